#include "onnx/passes/affine.h"
#include "onnx/passes/linear_node.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// An affine node after a linear one, perhaps moved by shape nodes, that nothing else reads.
void fold_into_previous(GraphEdit& edit, Node& node, ValueId y) {
  const MovedResult previous = moved_result(edit, y);
  if (previous.node == nullptr) return;
  auto linear = LinearNode::of(edit.graph, *previous.node);
  const auto affine = affine_of(edit, node, previous.channels, linear->outputs());
  if (!affine) return;
  linear->append(*affine);
  if (!previous.is_moved) return linear->install(edit, node, linear->data());
  if (edit.bypass(node, y)) linear->install(edit, *previous.node, linear->data());
}

/// BatchNormalization before a linear node, its only reader, that does not pad.
void fold_into_this(GraphEdit& edit, Node& node) {
  const ValueId x = node.inputs[0];
  const Node* norm = edit.producer(x, "BatchNormalization");
  if (norm == nullptr || !edit.used_once(x)) return;
  auto linear = LinearNode::of(edit.graph, node);
  if (!linear || !linear->may_follow()) return;
  const auto affine = affine_of(edit, *norm, {1, 1}, (*edit.graph[x].shape)[1]);
  if (!affine) return;
  linear->prepend(*affine);
  linear->install(edit, node, norm->inputs[0]);
}

}  // namespace

/// BatchNormalization, and an Add, Sub, Mul or Div by a constant per channel, become part of the linear node
/// before them; BatchNormalization also, without padding, of the one after it.
bool fold_batchnorm(Graph& graph, const PassOptions& options) {
  if (!options.fold_batchnorm) return false;
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (const auto operand = affine_operand(edit, node)) {
      fold_into_previous(edit, node, node.inputs[*operand]);
    } else if (!node.inputs.empty() && node.inputs[0] != kNoValue) {
      fold_into_this(edit, node);
    }
  }
  return edit.apply();
}

}  // namespace onnxray
