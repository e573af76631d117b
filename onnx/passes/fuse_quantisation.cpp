#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

bool is(const Node* node, std::string_view op) {
  return node != nullptr && node->domain.empty() && node->op == op;
}

ValueId operand(const Node& node, size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; }

/// Moves data without looking at it: rounding before or after it is the same.
bool moves_data(const Node* node) {
  constexpr std::string_view kMovers[] = {"MaxPool", "Reshape",   "Flatten",  "Squeeze",      "Unsqueeze",
                                          "Slice",   "Transpose", "Identity", "DepthToSpace", "SpaceToDepth",
                                          "Expand",  "Tile",      "Gather"};
  if (node == nullptr || !node->domain.empty() || std::ranges::find(kMovers, node->op) == std::end(kMovers))
    return false;
  return std::ranges::count_if(node->outputs, [](ValueId id) { return id != kNoValue; }) == 1;
}

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), producers_(graph.producers()), uses_(graph.use_counts()) {}

  bool run() {
    for (Node& node : graph_.nodes) {
      if (is(&node, "DequantizeLinear") && int_attribute(node, "block_size", 0) == 0)
        dequantise(node);
      else if (is(&node, "Cast") && is_floating(graph_[node.outputs[0]].dtype.value()))
        integer_product(node);
      else
        nodes_.push_back(node);
    }
    if (!changed_) return false;
    graph_.nodes = std::move(nodes_);
    graph_.remove_dead_nodes();
    return true;
  }

 private:
  const Node* producer(ValueId id) const {
    const int32_t p = id == kNoValue || static_cast<size_t>(id) >= producers_.size()
                          ? -1
                          : producers_[static_cast<size_t>(id)];
    return p < 0 ? nullptr : &graph_.nodes[static_cast<size_t>(p)];
  }

  bool equal(ValueId a, ValueId b) const {
    if (a == b) return true;
    const Tensor *ta = graph_.constant(a), *tb = graph_.constant(b);
    return ta && tb && ta->shape() == tb->shape() && ta->dtype() == tb->dtype() &&
           doubles_of(*ta) == doubles_of(*tb);
  }

  ValueId add(std::string op, std::string domain, std::vector<ValueId> inputs, Attributes attributes,
              const Origin& origin, ValueId output = kNoValue) {
    if (output == kNoValue) output = graph_.add_value(graph_[inputs[0]].name + "/" + op);
    nodes_.push_back({.op = std::move(op),
                      .opset = domain.empty() ? 21 : 1,
                      .domain = std::move(domain),
                      .attributes = std::move(attributes),
                      .inputs = std::move(inputs),
                      .outputs = {output},
                      .origin = origin});
    while (nodes_.back().inputs.back() == kNoValue) nodes_.back().inputs.pop_back();
    changed_ = true;
    return output;
  }

  void dequantise(const Node& node) {
    const Node* source = producer(node.inputs[0]);
    if (moves_data(source) && is_number(operand(node, 1)) && is_number(operand(node, 2)))
      return move(node, *source);
    const bool dynamic = is(source, "DynamicQuantizeLinear") && source->outputs[0] == node.inputs[0];
    const bool fixed = is(source, "QuantizeLinear") && int_attribute(*source, "block_size", 0) == 0;
    if (!dynamic && !fixed) return nodes_.push_back(node);
    const ValueId scale = dynamic ? source->outputs[1] : source->inputs[1];
    const ValueId zero = dynamic ? source->outputs[2] : operand(*source, 2);
    const bool per_axis = !is_number(scale);
    const bool same_axis = int_attribute(node, "axis", 1) == int_attribute(*source, "axis", 1);
    if (scale == kNoValue || !equal(zero, operand(node, 2)) || (per_axis && !same_axis))
      return nodes_.push_back(node);
    round(node, *source, scale, zero, !dynamic);
  }

  /// Dequantize(Quantize(x)): x on a grid.
  void round(const Node& node, const Node& source, ValueId scale, ValueId zero, bool saturates) {
    Origin origin = node.origin;
    if (uses_[static_cast<size_t>(node.inputs[0])] == 1) merge_origin(origin, source.origin);
    const DType type = graph_[node.inputs[0]].dtype.value();
    const bool is_signed = type == DType::i8 || type == DType::i16 || type == DType::i32;
    const double steps = type == DType::i8 || type == DType::u8 ? 256
                         : type == DType::i32                   ? 4294967296.0
                                                                : 65536;
    const double low = is_signed ? -steps / 2 : 0;
    const Attributes grid{
        {"axis", int_attribute(source, "axis", 1)}, {"low", low}, {"high", low + steps - 1}};
    ValueId x = source.inputs[0];
    // The range of a dynamic grid is that of the data: nothing is cut off.
    if (saturates) x = add("Saturate", "onnxray", {x, scale, zero}, grid, origin);
    if (equal(scale, node.inputs[1])) {
      add("RoundToGrid", "onnxray", {x, scale, zero}, grid, origin, node.outputs[0]);
      return;
    }
    const ValueId y = add("RoundToGrid", "onnxray", {x, scale, zero}, grid, origin);
    const ValueId steps_of_y = add("Div", "", {y, scale}, {}, origin);
    add("Mul", "", {steps_of_y, node.inputs[1]}, {}, origin, node.outputs[0]);
  }

  bool is_number(ValueId id) const { return id == kNoValue || element_count(graph_[id].shape.value()) == 1; }

  /// Dequantize(Move(q)) = Move(Dequantize(q))
  void move(const Node& node, const Node& mover) {
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = mover.inputs[0];
    const ValueId x = add("DequantizeLinear", "", inputs, node.attributes, node.origin);
    Node moved = mover;
    moved.inputs[0] = x;
    moved.outputs = {node.outputs[0]};
    merge_origin(moved.origin, node.origin);
    nodes_.push_back(std::move(moved));
  }

  /// Cast(MatMulInteger(a, b)) = MatMul(a - zero, b - zero) in real numbers; likewise ConvInteger.
  void integer_product(const Node& node) {
    const Node* source = producer(node.inputs[0]);
    const bool matmul = is(source, "MatMulInteger");
    if (!matmul && !is(source, "ConvInteger")) return nodes_.push_back(node);
    const auto centred = [&](size_t i, int64_t axis) {
      const ValueId x = source->inputs[i], zero = operand(*source, i + 2);
      const Shape shape = zero == kNoValue || is_number(zero) ? Shape{} : graph_[zero].shape.value();
      const ValueId one =
          graph_.add_constant("", Tensor::filled(graph_[node.outputs[0]].dtype.value(), shape, 1));
      return add("DequantizeLinear", "", {x, one, zero}, {{"axis", axis}}, source->origin);
    };
    const Node& product = *source;
    Origin origin = node.origin;
    merge_origin(origin, product.origin);
    // A zero point of rank 1 counts the rows of a, the columns of b, the filters of a convolution.
    const auto rank = [&](size_t i) {
      return static_cast<int64_t>(graph_[product.inputs[i]].shape.value().size());
    };
    const ValueId a = centred(0, matmul ? rank(0) - 2 : 1), b = centred(1, matmul ? rank(1) - 1 : 0);
    add(matmul ? "MatMul" : "Conv", "", {a, b}, product.attributes, origin, node.outputs[0]);
  }

  Graph& graph_;
  const std::vector<int32_t> producers_, uses_;
  std::vector<Node> nodes_;
  bool changed_ = false;
};

}  // namespace

/// A quantised value that is read as a real number becomes that number on a grid, which has a gradient.
bool fuse_quantisation(Graph& graph, const PassOptions&) {
  const bool quantised = std::ranges::any_of(graph.nodes, [](const Node& node) {
    return is(&node, "DequantizeLinear") || is(&node, "MatMulInteger") || is(&node, "ConvInteger");
  });
  return quantised && Fusion(graph).run();
}

}  // namespace onnxray
