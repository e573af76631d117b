#include "onnx/training_mode.h"

#include <algorithm>

namespace onnxray {

namespace {

/// Version 14 has an attribute, versions before 7 another. In between the running statistics among the
/// outputs say it: in evaluation there are none.
bool takes_statistics_of_batch(const Node& node) {
  if (node.opset >= 14) return int_attribute(node, "training_mode", 0) != 0;
  const bool has_statistics =
      node.outputs.size() > 1 &&
      std::any_of(node.outputs.begin() + 1, node.outputs.end(), [](ValueId id) { return id != kNoValue; });
  return node.opset < 7 ? int_attribute(node, "is_test", 1) == 0 : has_statistics;
}

void settle_batch_normalization(Graph& graph, Node& node) {
  if (!takes_statistics_of_batch(node)) return;
  node.domain = "onnxray";
  node.op = "BatchNormalizationInTraining";
  node.opset = 1;
  // Statistics of constants are constants: standardised weights are exported so.
  if (graph.constant(node.inputs.at(0)) != nullptr) return;
  assume(graph.assumptions,
         {"statistics of BatchNormalization", "those of the batch that is given",
          "the file has it in training mode; the results of one sample depend on the others"});
}

void settle_dropout(Graph& graph, Node& node) {
  const Tensor* mode =
      node.inputs.size() > 2 && node.inputs[2] != kNoValue ? graph.constant(node.inputs[2]) : nullptr;
  if (mode == nullptr || mode->size() != 1 || mode->as_int64(0) == 0) return;
  node.inputs.resize(1);
  assume(graph.assumptions, {"Dropout", "drops nothing", "the file has it in training mode"});
}

}  // namespace

void settle_training_mode(Graph& graph, Node& node) {
  if (!node.domain.empty() || node.inputs.empty()) return;
  if (node.op == "BatchNormalization") settle_batch_normalization(graph, node);
  if (node.op == "Dropout") settle_dropout(graph, node);
}

}  // namespace onnxray
