#pragma once

#include "rules/rule_spec.h"

namespace onnxray {

// One function per rule, in the order of rules/registry.cpp. At linear nodes:
std::unique_ptr<Rule> make_z(const RuleSpec&);
std::unique_ptr<Rule> make_epsilon(const RuleSpec&);        ///< epsilon = 1e-7
std::unique_ptr<Rule> make_epsilon_std_x(const RuleSpec&);  ///< factor = 0.25
std::unique_ptr<Rule> make_sign(const RuleSpec&);
std::unique_ptr<Rule> make_sign_mu(const RuleSpec&);        ///< mu = 0
// At the rest:
std::unique_ptr<Rule> make_pass(const RuleSpec&);
std::unique_ptr<Rule> make_proportional(const RuleSpec&);
std::unique_ptr<Rule> make_bilinear(const RuleSpec&);
std::unique_ptr<Rule> make_softmax(const RuleSpec&);

}  // namespace onnxray
