#include "rules/composite.h"

#include <algorithm>

#include "core/fail.h"
#include "rules/classify.h"
#include "rules/match.h"

namespace onnxray {

namespace {

RuleSpec sum_rule(const Node& node, const Conventions& conventions) {
  const bool addition = node.op == "Add" || node.op == "Sub" || node.op == "Sum" || node.op == "Mean";
  const auto rule = addition ? conventions.add : conventions.avgpool;
  return {rule == Conventions::SumRule::norm ? "norm" : "proportional"};
}

/// The rule of a node that no entry names. Unset: the exact adjoint.
std::optional<RuleSpec> default_rule(const NodeMatcher& matcher, const Node& node, size_t n,
                                     const Conventions& conventions) {
  switch (matcher.relevance(n)) {
    case RelevanceClass::linear: return RuleSpec{"z"};
    case RelevanceClass::sum: return sum_rule(node, conventions);
    case RelevanceClass::affine: return RuleSpec{"proportional"};
    case RelevanceClass::activation:
    case RelevanceClass::bilinear: {
      const bool forced = has_attribute(node, "signal");
      const auto signal = matcher.gated_signal(n);
      if (signal && (forced || conventions.gate == Conventions::Gate::signal))
        return RuleSpec{"gate", {{"signal", static_cast<double>(*signal)}}};
      return RuleSpec{matcher.relevance(n) == RelevanceClass::bilinear ? "bilinear" : "pass"};
    }
    case RelevanceClass::normaliser: return RuleSpec{"normaliser"};
    case RelevanceClass::softmax: return RuleSpec{"softmax"};
    case RelevanceClass::routing: return std::nullopt;
    case RelevanceClass::none: return std::nullopt;
  }
  return std::nullopt;
}

/// A gate rule that names no signal finds it; a product without a recognisable gate is shared in halves.
RuleSpec completed(RuleSpec spec, const NodeMatcher& matcher, size_t n) {
  if (spec.rule != "gate" || spec.parameters.contains("signal")) return spec;
  const auto signal = matcher.gated_signal(n, NodeMatcher::Gates::all);
  if (!signal) return {"bilinear"};
  spec.parameters["signal"] = static_cast<double>(*signal);
  return spec;
}

/// What the switch makes of a BatchNormalization that no entry names. `fused` asks for the rule of linear
/// layers.
RuleSpec batchnorm_rule(const Composite& composite, const Conventions& conventions) {
  switch (conventions.batchnorm) {
    case Conventions::BatchNorm::fold: return {"proportional"};
    case Conventions::BatchNorm::affine_z: return {"affine_z"};
    case Conventions::BatchNorm::pass:
    case Conventions::BatchNorm::fold_or_pass: return {"pass"};
    case Conventions::BatchNorm::fused: break;
  }
  for (const CompositeEntry& entry : composite.entries) {
    static const Matcher everywhere{.relevance = RelevanceClass::linear};
    if (entry.match == everywhere) return entry.rule;
  }
  return {"z"};
}

/// Bounds of the model's input are in its units: nothing may scale it on the way to the layer.
void check_units(const Graph& graph, const OpRegistry& ops, const RuleSpec& rule, size_t n) {
  if (rule.parameter("of_input", 0) == 0) return;
  require(static_cast<bool>(
              find_input_layer(graph, ops, data_dependent(graph, ops), /*through_affine=*/false)[n]),
          ErrorCode::usage,
          "the range of the declared preprocessing does not bound the input of {}: nodes before it scale it; "
          "give low and high in that layer's own units",
          graph.nodes[n].describe());
}

}  // namespace

RuleAssignment::RuleAssignment(const Graph& graph, const OpRegistry& ops, const Composite& composite,
                               const Conventions& conventions) {
  const NodeMatcher matcher(graph, ops);
  const bool wants_input_layer =
      std::ranges::any_of(composite.entries, [](const CompositeEntry& e) { return e.match.input_layer; });
  require(!wants_input_layer || matcher.has_input_layer(), ErrorCode::unsupported,
          "{} has a rule for the input layer, but no linear layer sees the model's input through shape, "
          "normalisation and dropout nodes alone; use the method without an input-layer rule",
          composite.name);
  std::vector<std::vector<bool>> matched;
  for (const CompositeEntry& entry : composite.entries) matched.push_back(matcher.matches(entry.match));
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    carries_.push_back(matcher.relevance(n) != RelevanceClass::none);
    std::optional<RuleSpec> spec = default_rule(matcher, node, n, conventions);
    if (carries_.back() && node.op == "BatchNormalization") spec = batchnorm_rule(composite, conventions);
    const auto entry =
        std::ranges::find_if(matched, [&](const std::vector<bool>& m) { return static_cast<bool>(m[n]); });
    if (entry != matched.end()) {
      spec = completed(composite.entries[static_cast<size_t>(entry - matched.begin())].rule, matcher, n);
      check_units(graph, ops, *spec, n);
    }
    rules_.push_back(spec ? make_rule(*spec, conventions) : nullptr);
  }
}

std::string RuleAssignment::name_of(int32_t node) const {
  if (!carries_[static_cast<size_t>(node)]) return "-";
  const Rule* rule = (*this)(node);
  return rule ? rule->name() : "vjp";
}

}  // namespace onnxray
