#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// Which operand of a product is the weight: a constant of two axes or more, times data of as many.
std::optional<size_t> weight_of(const Graph& graph, const Node& matmul) {
  for (const size_t i : {1, 0}) {
    const Tensor* w = graph.constant(matmul.inputs[i]);
    if (w == nullptr || graph.constant(matmul.inputs[1 - i]) != nullptr) continue;
    const bool matrices = w->shape().size() >= 2 && graph[matmul.inputs[1 - i]].shape->size() >= 2;
    if (matrices && is_floating(w->dtype())) return i;
  }
  return std::nullopt;
}

/// Add(x w, c) with one number per column of w, or Add(w x, c) with one per row, as the bias [J] or [J, 1].
std::optional<Tensor> bias_of(const Tensor& c, size_t weight, const Shape& shape) {
  const size_t axis = shape.size() - (weight == 1 ? 1 : 2);
  const auto bias = along_axis(c, shape.size(), axis, shape[axis]);
  if (!bias) return std::nullopt;
  return from_doubles(c.dtype(), weight == 1 ? Shape{shape[axis]} : Shape{shape[axis], 1}, *bias);
}

void match(GraphEdit& edit, Node& node) {
  const Graph& graph = edit.graph;
  for (size_t i = 0; i < 2; ++i) {
    const Node* matmul = edit.producer(node.inputs[i], "MatMul");
    const Tensor* c = graph.constant(node.inputs[1 - i]);
    if (matmul == nullptr || c == nullptr || !edit.used_once(node.inputs[i])) continue;
    const Shape& shape = *graph[node.outputs[0]].shape;
    const auto weight = weight_of(graph, *matmul);
    if (!weight || graph[node.inputs[i]].shape != shape) continue;
    const auto bias = bias_of(*c, *weight, shape);
    if (!bias) continue;
    const ValueId b = edit.add_constant(graph[node.inputs[1 - i]].name, *bias);
    edit.rewrite(node, "MatMul", 1, {matmul->inputs[0], matmul->inputs[1], b}, {});
    node.domain = "onnxray";
    return;
  }
}

}  // namespace

/// A product of stacked matrices by a constant and the Add of one constant per unit, which no ONNX operator
/// is, become the MatMul with bias of the domain "onnxray": one linear node, as Gemm is for single matrices.
/// Otherwise the Add would share relevance by a rule of its own, and the switches for biases would not hold.
bool matmul_add_to_bias(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op == "Add" && node.domain.empty()) match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
