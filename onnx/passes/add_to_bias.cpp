#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// A Conv, ConvTranspose or Gemm without a bias.
bool lacks_bias(const Node& node) {
  if (!node.domain.empty() || (node.op != "Conv" && node.op != "ConvTranspose" && node.op != "Gemm"))
    return false;
  return node.inputs.size() < 3 || node.inputs[2] == kNoValue;
}

void match(GraphEdit& edit, Node& node) {
  const Graph& graph = edit.graph;
  for (size_t i = 0; i < 2; ++i) {
    const Node* linear = edit.producer(node.inputs[i]);
    const Tensor* c = graph.constant(node.inputs[1 - i]);
    if (linear == nullptr || c == nullptr || !lacks_bias(*linear) || !edit.used_once(node.inputs[i]))
      continue;
    const Shape& shape = *graph[node.outputs[0]].shape;
    const auto bias = along_axis(*c, shape.size(), 1, shape[1]);
    if (!bias || graph[node.inputs[i]].shape != shape) continue;
    const ValueId b =
        edit.add_constant(graph[node.inputs[1 - i]].name, from_doubles(c->dtype(), {shape[1]}, *bias));
    Attributes attributes = linear->attributes;
    attributes.erase("beta");
    edit.rewrite(node, linear->op, linear->opset, {linear->inputs[0], linear->inputs[1], b},
                 std::move(attributes));
    return;
  }
}

}  // namespace

/// The Add of one constant per channel after a linear node that has no bias becomes its bias.
bool add_to_bias(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op == "Add" && node.domain.empty()) match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
