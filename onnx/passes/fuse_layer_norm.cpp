#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

// y = (x - mean x) / sqrt(mean (x - mean x)^2 + eps) * gamma + beta. The quotient alone becomes a
// LayerNormalization with scale 1; then a constant Mul or Add after one that has no scale or bias yet becomes
// its scale or bias.

namespace {

/// First of the trailing axes over which `mean` averages with extents kept, or nothing.
std::optional<int64_t> first_trailing_axis(const Graph& graph, const Node& mean) {
  const size_t rank = graph[mean.inputs[0]].shape->size();
  const auto axes = reduction_axes(graph, mean, rank);
  if (!axes || axes->empty() || int_attribute(mean, "keepdims", 1) == 0) return std::nullopt;
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != static_cast<int64_t>(rank - axes->size() + i)) return std::nullopt;
  }
  return axes->front();
}

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

/// d of d^2, by Pow or by Mul.
ValueId squared(const GraphEdit& edit, ValueId id) {
  const Node* node = edit.producer(id);
  if (node == nullptr) return kNoValue;
  if (node->op == "Pow") return is_scalar(edit.graph, node->inputs[1], 2) ? node->inputs[0] : kNoValue;
  return node->op == "Mul" && node->inputs[0] == node->inputs[1] ? node->inputs[0] : kNoValue;
}

/// Matches `id` = sqrt(mean(d^2) + eps) with d centred as `c`; the eps.
std::optional<double> deviation(const GraphEdit& edit, ValueId id, const Centred& c) {
  const Node* root = edit.producer(id, "Sqrt");
  const Node* add = root != nullptr ? edit.producer(root->inputs[0], "Add") : nullptr;
  if (add == nullptr) return std::nullopt;
  const size_t eps_at = edit.graph.constant(add->inputs[1]) != nullptr ? 1 : 0;
  const auto eps = scalar_constant(edit.graph, add->inputs[eps_at]);
  const Node* variance = edit.producer(add->inputs[1 - eps_at], "ReduceMean");
  if (!eps || variance == nullptr || first_trailing_axis(edit.graph, *variance) != c.axis)
    return std::nullopt;
  const ValueId d = squared(edit, variance->inputs[0]);
  if (d == kNoValue) return std::nullopt;
  const auto other = centred(edit, d);
  if (!other || other->x != c.x || other->axis != c.axis) return std::nullopt;
  return eps;
}

/// The quotient: d / s, or d * (1 / s).
bool match_quotient(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < (node.op == "Mul" ? 2 : 1); ++i) {
    ValueId s = node.inputs[1 - i];
    if (node.op == "Mul") {
      const Node* reciprocal = edit.producer(s, "Reciprocal");
      if (reciprocal == nullptr) continue;
      s = reciprocal->inputs[0];
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

/// The constant as a tensor of the normalised shape, or nothing.
std::optional<Tensor> as_parameter(const Graph& graph, ValueId id, const Shape& normalised) {
  const Tensor* t = graph.constant(id);
  if (t == nullptr) return std::nullopt;
  Shape shape = t->shape();
  while (shape.size() > normalised.size() && shape.front() == 1) shape.erase(shape.begin());
  if (shape != normalised) return std::nullopt;
  return t->reshaped(normalised);
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
