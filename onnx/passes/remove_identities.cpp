#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

bool same_type(const Graph& graph, ValueId a, ValueId b) {
  return graph[a].shape == graph[b].shape && graph[a].dtype == graph[b].dtype;
}

/// Dropout at inference; a node in training mode is left for its lowering to refuse.
bool is_inert_dropout(const GraphEdit& edit, const Node& node) {
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && !edit.unused(node.outputs[i])) return false;
  }
  return node.inputs.size() < 3 || node.inputs[2] == kNoValue || is_filled(edit.graph, node.inputs[2], 0);
}

bool all_equal(const Graph& graph, const Node& node, std::string_view attribute, size_t input,
               int64_t value) {
  const auto listed = ints_attribute(node, attribute);
  if (std::ranges::any_of(listed, [&](int64_t v) { return v != value; })) return false;
  if (node.inputs.size() <= input || node.inputs[input] == kNoValue) return true;
  return is_filled(graph, node.inputs[input], static_cast<double>(value));
}

/// The operand of Add 0, Mul 1 and the like that the result equals.
ValueId neutral_operand(const Graph& graph, const Node& node) {
  const bool additive = node.is_one_of({"Add", "Sub"});
  const bool commutes = node.is_one_of({"Add", "Mul"});
  if (node.inputs.size() != 2) return kNoValue;
  const double neutral = additive ? 0 : 1;
  for (size_t i = 0; i < (commutes ? 2 : 1); ++i) {
    if (same_type(graph, node.inputs[i], node.outputs[0]) && is_filled(graph, node.inputs[1 - i], neutral))
      return node.inputs[i];
  }
  return kNoValue;
}

bool is_identity_transpose(const Node& node, size_t rank) {
  const auto permutation = ints_attribute(node, "perm");
  return permutation.empty() ? rank < 2 : std::ranges::is_sorted(permutation);
}

/// The input that the node's first output equals, or kNoValue.
ValueId equal_input(const GraphEdit& edit, const Node& node) {
  const Graph& graph = edit.graph;
  if (node.inputs.empty() || node.inputs[0] == kNoValue || !node.domain.empty()) return kNoValue;
  const ValueId x = node.inputs[0];
  const std::string_view op = node.op;
  if (op == "Dropout") return is_inert_dropout(edit, node) ? x : kNoValue;
  if (node.outputs.size() != 1) return kNoValue;
  if (node.is_one_of({"Add", "Sub", "Mul", "Div", "Pow"})) return neutral_operand(graph, node);
  if (!same_type(graph, x, node.outputs[0])) return kNoValue;
  if (node.is_one_of(
          {"Identity", "Cast", "CastLike", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"}))
    return x;
  if (node.is_one_of({"Concat", "Sum", "Max", "Min", "Mean"})) return node.inputs.size() == 1 ? x : kNoValue;
  if (op == "Split") return x;
  if (op == "Transpose") return is_identity_transpose(node, graph[x].shape->size()) ? x : kNoValue;
  if (op == "Slice") return all_equal(graph, node, "steps", 4, 1) ? x : kNoValue;
  if (op == "Pad")
    return all_equal(graph, node, "pads", 1, 0) && !has_attribute(node, "paddings") ? x : kNoValue;
  return kNoValue;
}

}  // namespace

/// Identity, inference Dropout, Cast to the same type, and whatever else hands its input on unchanged.
bool remove_identities(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    const ValueId x = equal_input(edit, node);
    if (x != kNoValue) edit.bypass(node, x);
  }
  return edit.apply();
}

}  // namespace onnxray
