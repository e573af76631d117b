#include <vector>

#include "core/fail.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Rule> (*make)(const RuleSpec&);
};

constexpr Entry kRules[] = {
    {"z", make_z},
    {"epsilon", make_epsilon},
    {"epsilon_std_x", make_epsilon_std_x},
    {"sign", make_sign},
    {"sign_mu", make_sign_mu},
    {"pass", make_pass},
    {"proportional", make_proportional},
    {"bilinear", make_bilinear},
    {"softmax", make_softmax},
};

}  // namespace

std::unique_ptr<Rule> make_rule(const RuleSpec& spec) {
  std::vector<std::string_view> known;
  for (const Entry& entry : kRules) {
    if (entry.name == spec.rule) return entry.make(spec);
    known.push_back(entry.name);
  }
  fail(ErrorCode::usage, "unknown rule '{}'; the rules are {}", spec.rule, fmt::join(known, ", "));
}

}  // namespace onnxray
