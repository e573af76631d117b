#include "methods/analyzer_name.h"

#include <algorithm>
#include <array>

#include "rules/plain_name.h"

namespace onnxray {

namespace {

struct RuleName {
  std::string_view analyzer, rule;
  std::array<std::pair<std::string_view, double>, 3> parameters = {};
};

/// Numbers are the analyzers' own defaults; those of lrp.alpha_beta come as parameters.
constexpr RuleName kRules[] = {
    {"lrp.z", "z"},
    {"lrp.z_IB", "z", {{{"bias", 0}}}},
    {"lrp.epsilon", "epsilon", {{{"epsilon", 1e-7}}}},
    {"lrp.epsilon_IB", "epsilon", {{{"epsilon", 1e-7}, {"bias", 0}}}},
    {"lrp.stdxepsilon", "epsilon_std_x", {{{"factor", 0.25}}}},
    {"lrp.alpha_beta", "alpha_beta"},
    {"lrp.alpha_1_beta_0", "alpha_beta", {{{"alpha", 1}, {"beta", 0}}}},
    {"lrp.alpha_1_beta_0_IB", "alpha_beta", {{{"alpha", 1}, {"beta", 0}, {"bias", 0}}}},
    {"lrp.alpha_2_beta_1", "alpha_beta", {{{"alpha", 2}, {"beta", 1}}}},
    {"lrp.alpha_2_beta_1_IB", "alpha_beta", {{{"alpha", 2}, {"beta", 1}, {"bias", 0}}}},
    {"lrp.gamma", "gamma", {{{"gamma", 0.5}}}},
    {"lrp.z_plus", "z_plus"},
    {"lrp.z_plus_fast", "z_plus_fast"},
    {"lrp.w_square", "w_square"},
    {"lrp.flat", "flat"}};

constexpr std::string_view kComposites[] = {"sequential_composite_a",
                                            "sequential_composite_b",
                                            "sequential_preset_a",
                                            "sequential_preset_b",
                                            "sequential_preset_a_flat",
                                            "sequential_preset_b_flat",
                                            "sequential_preset_b_flat_until_idx"};

}  // namespace

std::optional<MethodName> parse_analyzer_name(std::string_view name) {
  MethodName method;
  method.family = MethodName::Family::lrp;
  if (name == "deep_taylor.bounded") {
    method.family = MethodName::Family::deep_taylor_bounded;
    return method;
  }
  constexpr std::string_view kPrefix = "lrp.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto composite = std::ranges::find(kComposites, name.substr(kPrefix.size()));
  if (composite != std::end(kComposites)) {
    method.composite = *composite;
    return method;
  }
  if (name == "lrp.rule_until_index") {
    method.until_rule = "flat";
    return method;
  }
  const auto found = std::ranges::find(kRules, name, &RuleName::analyzer);
  if (found == std::end(kRules)) return std::nullopt;
  method.rule = RuleSpec{std::string(found->rule)};
  for (const auto& [parameter, value] : found->parameters) {
    if (!parameter.empty()) method.rule->parameters.emplace(parameter, value);
  }
  return method;
}

std::optional<MethodName> parse_plain_analyzer_name(std::string_view plain) {
  for (const RuleName& rule : kRules) {
    if (plain_name(rule.analyzer) == plain) return parse_analyzer_name(rule.analyzer);
  }
  for (const std::string_view composite : kComposites) {
    const std::string analyzer = "lrp." + std::string(composite);
    if (plain_name(analyzer) == plain) return parse_analyzer_name(analyzer);
  }
  return std::nullopt;
}

}  // namespace onnxray
