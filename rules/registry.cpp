#include <algorithm>

#include "core/fail.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Rule> (*make)(const RuleSpec&, const Conventions&);
  std::vector<std::string_view> parameters = {};
};

const std::vector<Entry>& all_rules() {
  static const std::vector<Entry> rules{
      {"z", make_z, {"bias"}},
      {"epsilon", make_epsilon, {"epsilon", "bias"}},
      {"epsilon_std_x", make_epsilon_std_x, {"factor"}},
      {"sign", make_sign},
      {"sign_mu", make_sign_mu, {"mu"}},
      {"alpha_beta", make_alpha_beta, {"alpha", "beta", "bias"}},
      {"alpha_beta_x", make_alpha_beta_x, {"alpha0", "alpha1", "beta0", "beta1"}},
      {"z_plus", make_z_plus},
      {"z_plus_fast", make_z_plus_fast},
      {"gamma", make_gamma, {"gamma"}},
      {"bounded", make_bounded, {"low", "high", "of_input"}},
      {"w_square", make_w_square},
      {"flat", make_flat},
      {"pass", make_pass},
      {"proportional", make_proportional},
      {"norm", make_norm},
      {"bilinear", make_bilinear},
      {"gate", make_gate, {"signal"}},
      {"normaliser", make_normaliser},
      {"softmax", make_softmax},
      {"affine_z", make_affine_z},
      {"relu_guided", make_relu_guided},
      {"relu_deconvnet", make_relu_deconvnet},
      {"relu_beta_smooth", make_relu_beta_smooth, {"beta"}},
  };
  return rules;
}

void check_parameter(const Entry& entry, std::string_view name) {
  require(std::ranges::find(entry.parameters, name) != entry.parameters.end(), ErrorCode::usage,
          "rule '{}' has no parameter '{}'; it has {}", entry.name, name,
          entry.parameters.empty() ? "none" : fmt::format("{}", fmt::join(entry.parameters, ", ")));
}

}  // namespace

std::unique_ptr<Rule> make_rule(const RuleSpec& spec, const Conventions& conventions) {
  if (spec.rule == "vjp") return nullptr;
  std::vector<std::string_view> known;
  for (const Entry& entry : all_rules()) {
    known.push_back(entry.name);
    if (entry.name != spec.rule) continue;
    for (const auto& [name, value] : spec.parameters) check_parameter(entry, name);
    for (const auto& [name, values] : spec.arrays) check_parameter(entry, name);
    return entry.make(spec, conventions);
  }
  fail(ErrorCode::usage, "unknown rule '{}'; the rules are vjp, {}", spec.rule, fmt::join(known, ", "));
}

bool is_rule(std::string_view rule) {
  return rule == "vjp" ||
         std::ranges::any_of(all_rules(), [&](const Entry& entry) { return entry.name == rule; });
}

}  // namespace onnxray
