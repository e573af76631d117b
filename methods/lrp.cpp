#include "methods/lrp.h"

#include "core/fail.h"
#include "rules/builtin_composites.h"
#include "rules/composite_json.h"

namespace onnxray {

namespace {

/// The name's rule with the numbers that parameters replace.
RuleSpec rule_of_name(const MethodSpec& method) {
  RuleSpec rule = *method.name.rule;
  for (auto& [parameter, value] : rule.parameters) {
    value = method.number(parameter == "factor" ? "epsilon" : std::string_view(parameter), value);
  }
  return rule;
}

CompositeOptions composite_options(const MethodSpec& method) {
  CompositeOptions options;
  for (const char* name : {"epsilon", "gamma", "beta"}) {
    if (method.find(name)) options.numbers[name] = method.number(name, 0);
  }
  options.numbers["until"] = method.number("until_layer_idx", 0);
  if (method.find("low") || method.find("high") || !method.name.model.empty()) {
    const RuleSpec bounds = bounded_rule(method);
    options.low = bounds.arrays.at("low");
    options.high = bounds.arrays.at("high");
  }
  return options;
}

/// A built-in by name, or a file.
Composite named_composite(const MethodSpec& method, const std::string& name) {
  return name.ends_with(".json") ? read_composite(name) : builtin_composite(name, composite_options(method));
}

Composite base_composite(const MethodSpec& method) {
  const std::string *composite = method.find("composite"), *rule = method.find("rule");
  const bool named = method.name.rule || !method.name.composite.empty();
  require(!(composite && rule) && !(named && (composite || rule)), ErrorCode::usage,
          "'{}' gets its rules from more than one of its name, the parameter rule and the parameter composite", method.text);
  require(named || composite || rule, ErrorCode::usage,
          "'{}' needs rule=NAME or composite=NAME|FILE.json; or use a name that holds a rule, such as lrp_epsilon_0_1", method.text);
  if (composite) return named_composite(method, *composite);
  if (!method.name.composite.empty()) return named_composite(method, method.name.composite);
  return {method.text, {at_linear_layers(rule ? named_rule(method, *rule) : rule_of_name(method))}};
}

}  // namespace

Composite lrp_composite(const MethodSpec& method) {
  Composite composite = base_composite(method);
  composite.name = method.text;
  if (auto rule = input_layer_rule(method)) composite.entries.insert(composite.entries.begin(), at_input_layer(std::move(*rule)));
  return composite;
}

std::vector<Var> emit_lrp(const MethodSpec& method, const MethodContext& context) {
  const RuleAssignment rules(context.graph, context.ops, lrp_composite(method), method.conventions);
  ReverseWalk walk(context.graph, context.forward, context.b, [&](int32_t node) { return rules(node); });
  walk.seed(context.logits(), seed(method, context));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
