#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// y = x * tanh(softplus(x)).
void match(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId gate = node.inputs[i], x = node.inputs[1 - i];
    const Node* tanh = edit.producer(gate, "Tanh");
    const Node* softplus = tanh != nullptr ? edit.producer(tanh->inputs[0], "Softplus") : nullptr;
    if (softplus == nullptr || !edit.used_once(gate) || softplus->inputs[0] != x) continue;
    edit.rewrite(node, "Mish", 18, {x}, {});
    return;
  }
}

}  // namespace

bool fuse_mish(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.domain.empty() && node.op == "Mul") match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
