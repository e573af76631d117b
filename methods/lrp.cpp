#include "methods/lrp.h"

#include <algorithm>

#include "core/fail.h"
#include "rules/builtin_composites.h"
#include "rules/composite_json.h"

namespace onnxray {

namespace {

/// The name's rule with the numbers that parameters replace.
RuleSpec rule_of_name(const MethodSpec& method) {
  RuleSpec rule = *method.name.rule;
  if (rule.rule == "alpha_beta" && rule.parameters.empty()) return named_rule(method, rule.rule);
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
  options.numbers["until"] = static_cast<double>(until_layer_index(method));
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
  const bool named = method.name.rule || !method.name.composite.empty(),
             is_until = !method.name.until_rule.empty();
  require(
      !(composite && rule) && !(named && (composite || rule)), ErrorCode::usage,
      "'{}' gets its rules from more than one of its name, the parameter rule and the parameter composite",
      method.text);
  require(named || composite || rule || is_until, ErrorCode::usage,
          "'{}' needs rule=NAME or composite=NAME|FILE.json; or use a name that holds a rule, such as "
          "lrp_epsilon_0_1",
          method.text);
  if (composite) return named_composite(method, *composite);
  if (!method.name.composite.empty()) return named_composite(method, method.name.composite);
  if (is_until && !rule) return named_composite(method, "sequential_composite_b_flat");
  return {method.text, {at_linear_layers(rule ? named_rule(method, *rule) : rule_of_name(method))}};
}

}  // namespace

Composite lrp_composite(const MethodSpec& method) {
  Composite composite = base_composite(method);
  composite.name = method.text;
  auto& entries = composite.entries;
  if (auto rule = until_layer_rule(method)) {
    // As in iNNvestigate, the input layer keeps the rule that the composite has for it.
    const auto behind = std::ranges::find_if(entries, [](const auto& e) { return !e.match.input_layer; });
    entries.insert(behind, at_first_layers(std::move(*rule), until_layer_index(method)));
  }
  if (auto rule = input_layer_rule(method)) entries.insert(entries.begin(), at_input_layer(std::move(*rule)));
  return composite;
}

namespace {

/// [sum of the relevance that arrived at a node, how many of its entries are NaN or infinite] of each [1]
Var layer_report(Builder& b, std::span<const Var> arrived) {
  Var sum, bad;
  for (const Var R : arrived) {
    if (!R) continue;
    const Var not_finite =
        b.binary(Opcode::logical_or, b.unary(Opcode::is_nan, R), b.unary(Opcode::is_inf, R));
    const Var total = b.reshape(b.sum(R, {}), {1}),
              count = b.reshape(b.sum(b.cast(not_finite, b.dtype(R)), {}), {1});
    sum = sum ? b.add(sum, total) : total;
    bad = bad ? b.add(bad, count) : count;
  }
  const Var both[] = {sum, bad};
  return b.concat(both, 0);
}

}  // namespace

std::vector<Var> emit_lrp(const MethodSpec& method, const MethodContext& context) {
  if (method.is_convention_of_composite)
    context.assume({.what = fmt::format("convention of {}", method.text),
                    .value = method.conventions.name,
                    .why = fmt::format("{} is Zennit's own name", *method.find("composite")),
                    .option = "convention"});
  const RuleAssignment rules(context.graph, context.ops, lrp_composite(method), method.conventions);
  ReverseWalk walk(context.graph, context.forward, context.b, [&](int32_t node) { return rules(node); });
  walk.samples = &context.samples;
  if (context.report_layers) {
    walk.on_node = [&](int32_t node, std::span<const Var> arrived) {
      context.report(fmt::format("layer.{}", node), layer_report(context.b, arrived));
    };
    walk.on_ledger = [&](int32_t node, const Ledger& books) {
      const std::pair<std::string_view, Var> entries[] = {{"sent", books.sent},
                                                          {"bias", books.bias},
                                                          {"stabiliser", books.stabiliser},
                                                          {"smallest", books.smallest},
                                                          {"crossings", books.crossings}};
      for (const auto& [name, v] : entries) {
        if (v) context.report(fmt::format("layer.{}.{}", node, name), v);
      }
    };
  }
  walk.seed(context.logits(), seed(method, context));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
