#include "rules/composite.h"

#include <algorithm>

#include "core/fail.h"
#include "rules/classify.h"

namespace onnxray {

namespace {

/// The rule of a node that no entry names. Unset: the exact adjoint.
std::optional<RuleSpec> default_rule(RelevanceClass relevance) {
  switch (relevance) {
    case RelevanceClass::linear: return RuleSpec{"z"};
    case RelevanceClass::sum: return RuleSpec{"proportional"};
    case RelevanceClass::affine: return RuleSpec{"proportional"};
    case RelevanceClass::bilinear: return RuleSpec{"bilinear"};
    case RelevanceClass::activation: return RuleSpec{"pass"};
    case RelevanceClass::normaliser: return RuleSpec{"pass"};
    case RelevanceClass::softmax: return RuleSpec{"softmax"};
    case RelevanceClass::routing: return std::nullopt;
    case RelevanceClass::none: return std::nullopt;
  }
  return std::nullopt;
}

bool matches(const Matcher& match, const Node& node, RelevanceClass relevance, bool is_input_layer) {
  if (match.input_layer && !is_input_layer) return false;
  if (match.relevance && *match.relevance != relevance) return false;
  return match.ops.empty() || std::ranges::find(match.ops, node.op) != match.ops.end();
}

}  // namespace

RuleAssignment::RuleAssignment(const Graph& graph, const OpRegistry& ops, const Composite& composite) {
  const std::vector<bool> dependent = data_dependent(graph);
  const std::vector<bool> input_layer = find_input_layer(graph, ops, dependent);
  const bool wants_input_layer = std::ranges::any_of(composite.entries, [](const CompositeEntry& e) { return e.match.input_layer; });
  require(!wants_input_layer || std::ranges::find(input_layer, true) != input_layer.end(), ErrorCode::unsupported,
          "{} has a rule for the input layer, but no linear layer sees the model's input through shape, normalisation "
          "and dropout nodes alone; use the method without an input-layer rule",
          composite.name);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const RelevanceClass relevance = classify(node, ops, dependent);
    carries_.push_back(relevance != RelevanceClass::none);
    std::optional<RuleSpec> spec = default_rule(relevance);
    for (const CompositeEntry& entry : composite.entries) {
      if (relevance == RelevanceClass::none || !matches(entry.match, node, relevance, input_layer[n])) continue;
      spec = entry.rule;
      break;
    }
    rules_.push_back(spec ? make_rule(*spec) : nullptr);
  }
}

std::string RuleAssignment::name_of(int32_t node) const {
  if (!carries_[static_cast<size_t>(node)]) return "-";
  const Rule* rule = (*this)(node);
  return rule ? rule->name() : "vjp";
}

}  // namespace onnxray
