#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/normalisation.h"
#include "onnx/passes/pass.h"

namespace onnxray {

// y = (x - mean x) / sqrt(mean (x - mean x)^2 + eps) * gamma + beta. The quotient alone becomes a
// LayerNormalization with scale 1; then a constant Mul or Add after one that has no scale or bias yet becomes
// its scale or bias.

namespace {

/// x and the axes of a Sub that subtracts the mean of x.
struct Centred {
  ValueId x = kNoValue;
  int64_t axis = 0;
};

std::optional<Centred> centred(const GraphEdit& edit, ValueId id) {
  const Node* sub = edit.producer(id, "Sub");
  const Node* mean = sub != nullptr ? edit.producer(sub->inputs[1], "ReduceMean") : nullptr;
  if (mean == nullptr || mean->inputs[0] != sub->inputs[0]) return std::nullopt;
  const auto axis = first_trailing_axis(edit.graph, *mean);
  if (!axis) return std::nullopt;
  return Centred{mean->inputs[0], *axis};
}

/// The eps of `id` = sqrt(mean(d^2) + eps) with d centred as `c`.
std::optional<double> deviation(const GraphEdit& edit, ValueId id, const Centred& c) {
  const auto found = match_deviation(edit, id);
  if (!found || found->axis != c.axis) return std::nullopt;
  const auto other = centred(edit, found->d);
  if (!other || other->x != c.x || other->axis != c.axis) return std::nullopt;
  return found->epsilon;
}

/// The quotient: d / s, or d * (1 / s).
bool match_quotient(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < (node.op == "Mul" ? 2 : 1); ++i) {
    ValueId s = node.inputs[1 - i];
    if (node.op == "Mul") {
      s = reciprocal_of(edit, s);
      if (s == kNoValue) continue;
    }
    const auto c = centred(edit, node.inputs[i]);
    if (!c) continue;
    const auto eps = deviation(edit, s, *c);
    if (!eps) continue;
    const Shape& shape = *edit.graph[c->x].shape;
    const Shape normalised(shape.begin() + c->axis, shape.end());
    const ValueId ones = edit.add_constant(edit.graph[node.outputs[0]].name + "/scale",
                                           Tensor::filled(*edit.graph[c->x].dtype, normalised, 1));
    edit.rewrite(node, "LayerNormalization", 17, {c->x, ones}, {{"axis", c->axis}, {"epsilon", *eps}});
    return true;
  }
  return false;
}

/// A constant Mul or Add after a LayerNormalization whose scale or bias is still free.
void match_parameter(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    const Node* norm = edit.producer(node.inputs[i], "LayerNormalization");
    if (norm == nullptr || !edit.used_once(node.inputs[i]) || norm->outputs.size() > 1) continue;
    const bool has_bias = norm->inputs.size() > 2 && norm->inputs[2] != kNoValue;
    if (has_bias || (node.op == "Mul" && !is_filled(edit.graph, norm->inputs[1], 1))) continue;
    const Shape& shape = *edit.graph[norm->inputs[0]].shape;
    const auto first = normalise_axis(int_attribute(*norm, "axis", -1), shape.size());
    const auto parameter =
        as_parameter(edit.graph, node.inputs[1 - i], Shape(shape.begin() + first, shape.end()));
    if (!parameter || edit.graph[node.outputs[0]].shape != shape) continue;
    const ValueId id = edit.add_constant(edit.graph[node.inputs[1 - i]].name, *parameter);
    std::vector<ValueId> inputs{norm->inputs[0], norm->inputs[1], id};
    if (node.op == "Mul") inputs = {norm->inputs[0], id};
    edit.rewrite(node, "LayerNormalization", norm->opset, inputs, Attributes(norm->attributes));
    return;
  }
}

}  // namespace

bool fuse_layer_norm(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (!node.domain.empty()) continue;
    if ((node.op == "Div" || node.op == "Mul") && match_quotient(edit, node)) continue;
    if (node.op == "Mul" || node.op == "Add") match_parameter(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
