#include "onnx/passes/linear_node.h"

#include <algorithm>

#include "onnx/passes/constants.h"

namespace onnxray {

namespace {

bool has_no_padding(const Node& conv) {
  const auto mode = string_attribute(conv, "auto_pad", "NOTSET");
  return (mode == "NOTSET" || mode == "VALID") &&
         std::ranges::all_of(ints_attribute(conv, "pads"), [](int64_t p) { return p == 0; });
}

/// Which operand of a product is its weight, a constant matrix times data of two axes or more.
std::optional<size_t> weight_operand(const Graph& graph, const Node& matmul) {
  for (const size_t i : {1, 0}) {
    const Tensor* w = graph.constant(matmul.inputs[i]);
    const ValueId x = matmul.inputs[1 - i];
    if (w && w->shape().size() == 2 && !graph.constant(x) && graph[x].shape->size() >= 2) return i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LinearNode> LinearNode::of(const Graph& graph, const Node& node) {
  if (node.inputs.size() < 2) return std::nullopt;
  LinearNode linear;
  const Shape& y = *graph[node.outputs[0]].shape;
  double beta = 1;
  linear.channels_ = {1, 1};
  if (node.op == "MatMul" && (node.domain.empty() || node.domain == "onnxray")) {
    const auto operand = weight_operand(graph, node);
    if (!operand) return std::nullopt;
    linear.kind_ = Kind::dense;
    linear.weight_operand_ = *operand;
    linear.rows_are_outputs_ = *operand == 0;
    linear.channels_.first = y.size() - (*operand == 0 ? 2 : 1);
    linear.may_follow_ = *operand == 1 && y.size() == 2;
  } else if (!node.domain.empty()) {
    return std::nullopt;
  } else if (node.op == "Conv") {
    linear.may_follow_ = has_no_padding(node);
  } else if (node.op == "ConvTranspose") {
    linear.kind_ = Kind::conv_transpose;
  } else if (node.op == "Gemm" && int_attribute(node, "transA", 0) == 0) {
    linear.kind_ = Kind::dense;
    linear.rows_are_outputs_ = int_attribute(node, "transB", 0) != 0;
    linear.alpha_ = float_attribute(node, "alpha", 1);
    beta = float_attribute(node, "beta", 1);
    linear.may_follow_ = true;
  } else {
    return std::nullopt;
  }
  linear.weight_ = graph.constant(node.inputs[linear.weight_operand_]);
  if (!linear.weight_ || linear.weight_->shape().size() < 2 || !is_floating(linear.weight_->dtype()))
    return std::nullopt;
  linear.groups_ = int_attribute(node, "group", 1);
  linear.bias_.assign(static_cast<size_t>(y[linear.channels_.first]), 0);
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const Tensor* b = graph.constant(node.inputs[2]);
    const bool dense = linear.kind_ == Kind::dense;
    const auto bias =
        b ? along_axis(*b, dense ? y.size() : 1, dense ? linear.channels_.first : 0, std::ssize(linear.bias_))
          : std::nullopt;
    if (!bias) return std::nullopt;
    linear.bias_ = *bias;
    for (double& v : linear.bias_) v *= beta;
  }
  linear.like_ = node;
  return linear;
}

void LinearNode::load_weight() {
  if (!w_.empty()) return;
  w_ = doubles_of(*weight_);
  for (double& v : w_) v *= alpha_;
}

/// Calls f(output channel, input channel, the weights between them) for each pair.
template <class F>
void LinearNode::for_each_pair(F&& f) {
  load_weight();
  const Shape& shape = weight_->shape();
  const auto inner = static_cast<size_t>(count_between(shape, 2, shape.size()));
  for (int64_t row = 0; row < shape[0]; ++row) {
    // Grouped: the weight's second axis counts within the group of the first.
    const int64_t group = kind_ == Kind::dense ? 0 : row / (shape[0] / groups_);
    for (int64_t column = 0; column < shape[1]; ++column) {
      const auto r = static_cast<size_t>(row), c = static_cast<size_t>(group * shape[1] + column);
      const bool row_is_output = kind_ == Kind::conv || (kind_ == Kind::dense && rows_are_outputs_);
      f(row_is_output ? r : c, row_is_output ? c : r,
        std::span(w_).subspan(static_cast<size_t>(row * shape[1] + column) * inner, inner));
    }
  }
}

void LinearNode::append(const Affine& affine) {
  if (std::ranges::any_of(affine.factor, [](double f) { return f != 1; })) {
    for_each_pair([&](size_t out, size_t, std::span<double> w) {
      for (double& v : w) v *= affine.factor[out];
    });
  }
  for (size_t m = 0; m < bias_.size(); ++m) bias_[m] = affine.factor[m] * bias_[m] + affine.offset[m];
}

void LinearNode::prepend(const Affine& affine) {
  for_each_pair([&](size_t out, size_t in, std::span<double> w) {
    for (double& v : w) {
      bias_[out] += v * affine.offset[in];
      v *= affine.factor[in];
    }
  });
}

void LinearNode::install(GraphEdit& edit, Node& node, ValueId x) {
  Graph& graph = edit.graph;
  const std::string name = graph[like_.inputs[weight_operand_]].name;
  const DType dtype = weight_->dtype();
  ValueId w = like_.inputs[weight_operand_];
  Attributes attributes = like_.attributes;
  attributes.erase("beta");
  if (!w_.empty()) {
    w = edit.add_constant(name + "/folded", from_doubles(dtype, weight_->shape(), w_));
    attributes.erase("alpha");
  }
  const auto outputs = std::ssize(bias_);
  const bool is_left = weight_operand_ == 0;
  const ValueId b = edit.add_constant(
      name + "/folded_bias", from_doubles(dtype, is_left ? Shape{outputs, 1} : Shape{outputs}, bias_));
  const bool is_gemm = like_.op == "MatMul" && !is_left && graph[x].shape->size() == 2;
  const bool is_stacked = like_.op == "MatMul" && !is_gemm;
  edit.rewrite(node, is_gemm ? "Gemm" : like_.op,
               is_gemm      ? 13
               : is_stacked ? 1
                            : like_.opset,
               is_left ? std::vector{w, x, b} : std::vector{x, w, b}, std::move(attributes));
  if (is_stacked) node.domain = "onnxray";
}

namespace {

/// Where axes stand behind a node that keeps the order of elements: the axes that count the same places.
ChannelAxes reshaped(ChannelAxes at, const Shape& from, const Shape& to) {
  const int64_t before = count_between(from, 0, at.first),
                within = count_between(from, at.first, at.first + at.count);
  if (at.count == 0 || before == 0 || within == 0) return {};
  size_t first = 0;
  while (first < to.size() && count_between(to, 0, first) < before) ++first;
  size_t last = first;
  while (last < to.size() && count_between(to, first, last) < within) ++last;
  const bool found = count_between(to, 0, first) == before && count_between(to, first, last) == within;
  return found ? ChannelAxes{first, last - first} : ChannelAxes{};
}

ChannelAxes permuted(ChannelAxes at, const Node& transpose) {
  const auto permutation = ints_attribute(transpose, "perm");
  const auto axis = std::ranges::find(permutation, static_cast<int64_t>(at.first));
  if (at.count != 1 || axis == permutation.end()) return {};
  return {static_cast<size_t>(axis - permutation.begin()), 1};
}

}  // namespace

MovedResult moved_result(const GraphEdit& edit, ValueId id) {
  std::vector<const Node*> movers;  // the last first
  Node* node = nullptr;
  for (;; id = node->inputs[0]) {
    node = edit.producer(id);
    if (!node || !edit.used_once(id)) return {};
    if (!node->domain.empty() || !(keeps_order(*node) || node->op == "Transpose")) break;
    movers.push_back(node);
  }
  const auto linear = LinearNode::of(edit.graph, *node);
  if (!linear) return {};
  MovedResult result{node, linear->channels(), !movers.empty()};
  for (auto mover = movers.rbegin(); mover != movers.rend(); ++mover) {
    const auto shape = [&](ValueId v) -> const Shape& { return *edit.graph[v].shape; };
    result.channels = keeps_order(**mover)
                          ? reshaped(result.channels, shape((*mover)->inputs[0]), shape((*mover)->outputs[0]))
                          : permuted(result.channels, **mover);
  }
  return result;
}

}  // namespace onnxray
