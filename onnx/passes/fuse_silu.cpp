#include "onnx/passes/constants.h"
#include "onnx/passes/pass.h"
#include "onnx/passes/product.h"

namespace onnxray {

namespace {

/// y = x * sigmoid(alpha x).
void match(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId gate = node.inputs[i], x = node.inputs[1 - i];
    const Node* sigmoid = edit.producer(gate, "Sigmoid");
    if (sigmoid == nullptr || !edit.used_once(gate)) continue;
    double alpha = 1;
    if (sigmoid->inputs[0] != x) {
      const Product argument = multiply_out(edit, sigmoid->inputs[0]);
      if (argument.factors != std::vector{x}) continue;
      alpha = argument.coefficient;
    }
    if (edit.graph[x].shape != edit.graph[node.outputs[0]].shape) continue;
    edit.rewrite(node, "Swish", 24, {x}, {{"alpha", alpha}});
    return;
  }
}

}  // namespace

bool fuse_silu(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.domain.empty() && node.op == "Mul") match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
