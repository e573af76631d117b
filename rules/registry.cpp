#include <algorithm>

#include "core/fail.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

constexpr NumberRange kWeight{0, kLargestNumber}, kAny{-kLargestNumber, kLargestNumber};
constexpr NumberRange kFlag = whole_numbers(0, 1);

struct Parameter {
  std::string_view name;
  NumberRange range;
  bool may_be_list = false;  ///< one number per channel
};

struct Entry {
  std::string_view name;
  std::unique_ptr<Rule> (*make)(const RuleSpec&, const Conventions&);
  std::vector<Parameter> parameters = {};
};

const std::vector<Entry>& all_rules() {
  static const std::vector<Entry> rules{
      {"z", make_z, {{"bias", kFlag}}},
      {"epsilon", make_epsilon, {{"epsilon", kWeight}, {"bias", kFlag}}},
      {"epsilon_std_x", make_epsilon_std_x, {{"factor", kWeight}}},
      {"sign", make_sign},
      {"sign_mu", make_sign_mu, {{"mu", kAny}}},
      {"alpha_beta", make_alpha_beta, {{"alpha", kWeight}, {"beta", kWeight}, {"bias", kFlag}}},
      {"alpha_beta_x",
       make_alpha_beta_x,
       {{"alpha0", kAny}, {"alpha1", kAny}, {"beta0", kAny}, {"beta1", kAny}}},
      {"z_plus", make_z_plus},
      {"z_plus_fast", make_z_plus_fast},
      {"gamma", make_gamma, {{"gamma", kWeight}}},
      {"bounded", make_bounded, {{"low", kAny, true}, {"high", kAny, true}, {"of_input", kFlag}}},
      {"w_square", make_w_square},
      {"flat", make_flat},
      {"pass", make_pass},
      {"proportional", make_proportional},
      {"norm", make_norm},
      {"bilinear", make_bilinear},
      {"gate", make_gate, {{"signal", kFlag}}},
      {"normaliser", make_normaliser},
      {"softmax", make_softmax},
      {"affine_z", make_affine_z},
      {"relu_guided", make_relu_guided},
      {"relu_deconvnet", make_relu_deconvnet},
      {"relu_beta_smooth", make_relu_beta_smooth, {{"beta", numbers_above(0, kLargestNumber)}}},
  };
  return rules;
}

const Parameter& parameter_of(const Entry& entry, std::string_view name) {
  const auto it = std::ranges::find(entry.parameters, name, &Parameter::name);
  if (it != entry.parameters.end()) return *it;
  std::vector<std::string_view> names;
  for (const Parameter& p : entry.parameters) names.push_back(p.name);
  fail(ErrorCode::usage, "rule '{}' has no parameter '{}'; it has {}", entry.name, name,
       names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

void check_parameters(const Entry& entry, const RuleSpec& spec) {
  for (const auto& [name, value] : spec.parameters)
    checked_number(value, parameter_of(entry, name).range, fmt::format("{} of rule '{}'", name, entry.name));
  for (const auto& [name, values] : spec.arrays) {
    const Parameter& parameter = parameter_of(entry, name);
    require(parameter.may_be_list && !values.empty(), ErrorCode::usage, "{} of rule '{}': expected {}", name,
            entry.name, parameter.may_be_list ? "a number, or one per channel" : "one number, not a list");
    for (const double value : values)
      checked_number(value, parameter.range, fmt::format("{} of rule '{}'", name, entry.name));
  }
}

}  // namespace

std::unique_ptr<Rule> make_rule(const RuleSpec& spec, const Conventions& conventions) {
  if (spec.rule == "vjp") {
    require(spec.parameters.empty() && spec.arrays.empty(), ErrorCode::usage, "rule 'vjp' has no parameters");
    return nullptr;
  }
  std::vector<std::string_view> known;
  for (const Entry& entry : all_rules()) {
    known.push_back(entry.name);
    if (entry.name != spec.rule) continue;
    check_parameters(entry, spec);
    return entry.make(spec, conventions);
  }
  fail(ErrorCode::usage, "unknown rule '{}'; the rules are vjp, {}", spec.rule, fmt::join(known, ", "));
}

std::optional<NumberRange> range_of_parameter(std::string_view rule, std::string_view parameter) {
  const auto entry = std::ranges::find(all_rules(), rule, &Entry::name);
  if (entry == all_rules().end()) return std::nullopt;
  const auto it = std::ranges::find(entry->parameters, parameter, &Parameter::name);
  return it == entry->parameters.end() ? std::nullopt : std::optional(it->range);
}

bool is_rule(std::string_view rule) {
  return rule == "vjp" ||
         std::ranges::any_of(all_rules(), [&](const Entry& entry) { return entry.name == rule; });
}

}  // namespace onnxray
