#include "onnx/passes/constants.h"
#include "onnx/passes/normalisation.h"
#include "onnx/passes/pass.h"

namespace onnxray {

// y = x / sqrt(mean x^2 + eps) * scale. The quotient alone becomes an RMSNormalization with scale 1; then a
// constant Mul after one whose scale is 1 becomes its scale.

namespace {

/// The quotient: x / s, or x * (1 / s).
bool match_quotient(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < (node.op == "Mul" ? 2 : 1); ++i) {
    const ValueId x = node.inputs[i];
    const ValueId s = node.op == "Mul" ? reciprocal_of(edit, node.inputs[1 - i]) : node.inputs[1];
    const auto found = s == kNoValue ? std::nullopt : match_deviation(edit, s);
    if (!found || found->d != x) continue;
    const Shape& shape = *edit.graph[x].shape;
    const ValueId ones = edit.add_constant(
        edit.graph[node.outputs[0]].name + "/scale",
        Tensor::filled(*edit.graph[x].dtype, Shape(shape.begin() + found->axis, shape.end()), 1));
    edit.rewrite(node, "RMSNormalization", 23, {x, ones},
                 {{"axis", found->axis}, {"epsilon", found->epsilon}});
    return true;
  }
  return false;
}

void match_scale(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    const Node* norm = edit.producer(node.inputs[i], "RMSNormalization");
    if (norm == nullptr || !edit.used_once(node.inputs[i]) || !is_filled(edit.graph, norm->inputs[1], 1))
      continue;
    const Shape& shape = *edit.graph[norm->inputs[0]].shape;
    const auto first = normalise_axis(int_attribute(*norm, "axis", -1), shape.size());
    const auto scale =
        as_parameter(edit.graph, node.inputs[1 - i], Shape(shape.begin() + first, shape.end()));
    if (!scale || edit.graph[node.outputs[0]].shape != shape) continue;
    const ValueId id = edit.add_constant(edit.graph[node.inputs[1 - i]].name, *scale);
    edit.rewrite(node, "RMSNormalization", norm->opset, {norm->inputs[0], id}, Attributes(norm->attributes));
    return;
  }
}

}  // namespace

bool fuse_rms_norm(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (!node.domain.empty() || (node.op != "Div" && node.op != "Mul")) continue;
    if (!match_quotient(edit, node) && node.op == "Mul") match_scale(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
