#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

bool is(const Node* node, std::string_view op) {
  return node != nullptr && node->domain.empty() && node->op == op;
}

bool is_one_of(const Node* node, std::initializer_list<std::string_view> ops) {
  return node != nullptr && node->domain.empty() && node->is_one_of(ops);
}

/// Moves data without looking at it: rounding before or after it is the same.
bool moves_data(const Node* node) {
  return is_one_of(node, {"MaxPool", "GlobalMaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice",
                          "Split", "Transpose", "Identity", "DepthToSpace", "SpaceToDepth", "Expand", "Tile",
                          "Gather", "GatherElements", "GatherND", "ReduceMax", "Dropout"});
}

int64_t block_of(const Node& node) { return int_attribute(node, "block_size", 0); }

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), producers_(graph.producers()), uses_(graph.use_counts()) {}

  bool run() {
    for (Node& node : graph_.nodes) {
      if (is(&node, "DequantizeLinear"))
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
    const bool by_number = is_number(node.inputs[1]) && is_number(node.input(2));
    if (by_number && moves_data(source)) return move(node, *source);
    if (by_number && is(source, "Concat")) return move_before_join(node, *source);
    if (by_number && is(source, "Pad") && pads_with(*source, node.input(2))) return move(node, *source);
    if (is(source, "DynamicQuantizeLinear") && source->outputs[0] == node.inputs[0] && by_number)
      return round(node, *source, {source->outputs[1], source->outputs[2]}, /*dynamic=*/true);
    const bool fixed = is(source, "QuantizeLinear") && is_floating(*graph_[source->inputs[0]].dtype);
    if (!fixed) return nodes_.push_back(node);
    const Grid grid{source->inputs[1], source->input(2)};
    const bool same_blocks = block_of(node) == block_of(*source) &&
                             int_attribute(node, "axis", 1) == int_attribute(*source, "axis", 1);
    const bool same = equal(grid.scale, node.inputs[1]) && equal(grid.zero, node.input(2));
    if ((same && same_blocks) || (by_number && is_number(grid.scale)))
      return round(node, *source, grid, /*dynamic=*/false);
    nodes_.push_back(node);
  }

  struct Grid {
    ValueId scale, zero;
  };

  /// Dequantize(Quantize(x)): x on a grid, and on another one where the two differ.
  void round(const Node& node, const Node& source, const Grid& grid, bool dynamic) {
    Origin origin = node.origin;
    if (uses_[static_cast<size_t>(node.inputs[0])] == 1) merge_origin(origin, source.origin);
    const bool same = equal(grid.scale, node.inputs[1]) && equal(grid.zero, node.input(2));
    std::vector<ValueId> operands{source.inputs[0]};
    Attributes attributes;
    // The range of a dynamic grid is that of the data, which it finds itself: nothing is cut off.
    if (!dynamic) {
      operands.insert(operands.end(), {grid.scale, grid.zero});
      attributes = range_of(*graph_[node.inputs[0]].dtype);
      attributes["axis"] = int_attribute(source, "axis", 1);
      if (block_of(source) != 0) attributes["block_size"] = block_of(source);
      // Elsewhere a range ends where the calibration's data did, which is none of the net's doing.
      if (starts_at_zero(grid.zero, float_of(attributes["low"])))
        operands[0] = add("Saturate", "onnxray", operands, attributes, origin);
    }
    const ValueId y =
        add("RoundToGrid", "onnxray", operands, attributes, origin, same ? node.outputs[0] : kNoValue);
    if (same) return;
    // ((y / scale + zero) - other zero) * other scale
    ValueId steps = add("Div", "", {y, grid.scale}, {}, origin);
    if (!equal(grid.zero, node.input(2))) {
      if (grid.zero != kNoValue) steps = add("Add", "", {steps, real(grid.zero, node)}, {}, origin);
      if (node.input(2) != kNoValue) steps = add("Sub", "", {steps, real(node.input(2), node)}, {}, origin);
    }
    add("Mul", "", {steps, node.inputs[1]}, {}, origin, node.outputs[0]);
  }

  static double float_of(const Attribute& attribute) { return std::get<double>(attribute); }

  /// Whether the first step stands for 0: what is below is cut off as by Relu.
  bool starts_at_zero(ValueId zero, double low) const {
    return zero == kNoValue ? low == 0 : is_filled(graph_, zero, low);
  }

  /// The zero point of `node` as a real number.
  ValueId real(ValueId zero, const Node& node) {
    const int64_t type = *graph_[node.outputs[0]].dtype == DType::f64 ? 11 : 1;
    return add("Cast", "", {zero}, {{"to", type}}, node.origin);
  }

  /// The first and the last step of a grid of integers.
  static Attributes range_of(DType type) {
    switch (type) {
      case DType::i8: return {{"low", -128.0}, {"high", 127.0}};
      case DType::i16: return {{"low", -32768.0}, {"high", 32767.0}};
      case DType::i32: return {{"low", -2147483648.0}, {"high", 2147483647.0}};
      case DType::u16: return {{"low", 0.0}, {"high", 65535.0}};
      default: return {{"low", 0.0}, {"high", 255.0}};
    }
  }

  /// Whether the margins hold what stands for 0.
  bool pads_with(const Node& pad, ValueId zero) const {
    if (string_attribute(pad, "mode", "constant") != "constant") return true;
    const auto number = [&](ValueId id) { return id == kNoValue ? 0 : scalar_constant(graph_, id); };
    const auto fill = number(pad.input(2)), wanted = number(zero);
    return pad.opset >= 11 && fill && wanted && *fill == *wanted;
  }

  bool is_number(ValueId id) const { return id == kNoValue || element_count(graph_[id].shape.value()) == 1; }

  ValueId dequantised(const Node& node, ValueId q) {
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = q;
    return add("DequantizeLinear", "", std::move(inputs), node.attributes, node.origin);
  }

  /// `moved`, whose operands are real numbers, in the place of `node`, which read its output `from`.
  void put(Node moved, ValueId from, const Node& node) {
    for (ValueId& id : moved.outputs) {
      if (id != kNoValue) id = id == from ? node.outputs[0] : graph_.add_value(graph_[id].name);
    }
    merge_origin(moved.origin, node.origin);
    nodes_.push_back(std::move(moved));
  }

  /// Dequantize(Move(q)) = Move(Dequantize(q))
  void move(const Node& node, const Node& mover) {
    Node moved = mover;
    moved.inputs[0] = dequantised(node, mover.inputs[0]);
    if (moved.op == "Pad" && moved.inputs.size() > 2) moved.inputs[2] = kNoValue;  // 0 in real numbers
    put(std::move(moved), node.inputs[0], node);
  }

  /// Dequantize(Concat(p, q)) = Concat(Dequantize(p), Dequantize(q))
  void move_before_join(const Node& node, const Node& join) {
    Node moved = join;
    for (ValueId& id : moved.inputs) id = dequantised(node, id);
    put(std::move(moved), node.inputs[0], node);
  }

  /// Cast(MatMulInteger(a, b)) = MatMul(a - zero, b - zero) in real numbers; likewise ConvInteger.
  void integer_product(const Node& node) {
    const Node* source = producer(node.inputs[0]);
    const bool matmul = is(source, "MatMulInteger");
    if (!matmul && !is(source, "ConvInteger")) return nodes_.push_back(node);
    const auto centred = [&](size_t i, int64_t axis) {
      const ValueId x = source->inputs[i], zero = source->input(i + 2);
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
