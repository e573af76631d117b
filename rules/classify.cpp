#include "rules/classify.h"

#include <algorithm>

#include "rules/adds.h"
#include "rules/embeddings.h"

namespace onnxray {

namespace {

bool holds(const std::vector<bool>& flags, ValueId id) {
  return id != kNoValue && flags[static_cast<size_t>(id)];
}

int64_t dependent_operands(const Node& node, const std::vector<bool>& dependent) {
  return std::ranges::count_if(node.inputs, [&](ValueId id) { return holds(dependent, id); });
}

bool is_transparent(const Node& node, RelevanceClass relevance, const std::vector<bool>& dependent,
                    bool through_affine) {
  constexpr std::string_view kShapeOps[] = {"Identity", "Dropout",      "Cast",        "Reshape", "Flatten",
                                            "Squeeze",  "Unsqueeze",    "Transpose",   "Pad",     "Slice",
                                            "Expand",   "DepthToSpace", "SpaceToDepth"};
  constexpr std::string_view kAffineOps[] = {"BatchNormalization", "Add", "Sub", "Mul", "Div"};
  if (dependent_operands(node, dependent) != 1) return false;
  if (std::ranges::find(kShapeOps, node.op) != std::end(kShapeOps)) return true;
  return through_affine && (relevance == RelevanceClass::affine ||
                            std::ranges::find(kAffineOps, node.op) != std::end(kAffineOps));
}

}  // namespace

std::vector<bool> data_dependent(const Graph& graph, const OpRegistry& ops) {
  return find_embeddings(graph, ops).is_real;
}

RelevanceClass classify(const Graph& graph, const Node& node, const OpRegistry& ops,
                        const std::vector<bool>& dependent) {
  const OpDef* op = ops.find(node.domain, node.op);
  if (!op) return RelevanceClass::none;
  const int64_t moving = dependent_operands(node, dependent);
  if (moving == 0) return RelevanceClass::none;
  if (op->relevance == RelevanceClass::linear && moving > 1) return RelevanceClass::bilinear;
  if (op->may_add && adds(graph, node, ops, dependent)) return RelevanceClass::sum;
  if (op->relevance != RelevanceClass::bilinear) return op->relevance;
  // A quotient is carried by its numerator.
  if (node.op == "Div" || (node.op == "Mul" && moving == 1)) return RelevanceClass::activation;
  if (moving > 1) return RelevanceClass::bilinear;
  // An Einsum or Attention that is linear in its one moving operand.
  return node.op == "Einsum" && node.inputs.size() >= 2 ? RelevanceClass::linear : RelevanceClass::sum;
}

std::vector<bool> find_input_layer(const Graph& graph, const OpRegistry& ops,
                                   const std::vector<bool>& dependent, bool through_affine) {
  std::vector<bool> sees_input(graph.values.size(), false), found(graph.nodes.size(), false);
  for (const InputInfo& input : graph.inputs)
    sees_input[static_cast<size_t>(input.value)] = holds(dependent, input.value);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool sees = std::ranges::any_of(
        node.inputs, [&](ValueId id) { return holds(dependent, id) && holds(sees_input, id); });
    if (!sees) continue;
    const RelevanceClass relevance = classify(graph, node, ops, dependent);
    if (relevance == RelevanceClass::linear) {
      found[n] = true;
    } else if (is_grid(ops, node) || is_transparent(node, relevance, dependent, through_affine)) {
      for (const ValueId id : node.outputs) {
        if (id != kNoValue) sees_input[static_cast<size_t>(id)] = true;
      }
    }
  }
  return found;
}

}  // namespace onnxray
