#pragma once

#include "rules/rule_spec.h"

namespace onnxray {

// One function per rule, in the order of rules/registry.cpp. At linear nodes:
std::unique_ptr<Rule> make_z(const RuleSpec&, const Conventions&);              ///< bias = 1; 0 leaves it out
std::unique_ptr<Rule> make_epsilon(const RuleSpec&, const Conventions&);        ///< epsilon = 1e-7, bias = 1
std::unique_ptr<Rule> make_epsilon_std_x(const RuleSpec&, const Conventions&);  ///< factor = 0.25
std::unique_ptr<Rule> make_sign(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_sign_mu(const RuleSpec&, const Conventions&);  ///< mu = 0
std::unique_ptr<Rule> make_alpha_beta(const RuleSpec&,
                                      const Conventions&);  ///< alpha = 2, beta = alpha - 1, bias = 1
std::unique_ptr<Rule> make_alpha_beta_x(const RuleSpec&,
                                        const Conventions&);  ///< alpha0, alpha1, beta0, beta1 = 0.5
std::unique_ptr<Rule> make_z_plus(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_z_plus_fast(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_gamma(const RuleSpec&, const Conventions&);    ///< gamma = 0.25
std::unique_ptr<Rule> make_bounded(const RuleSpec&, const Conventions&);  ///< low = -1, high = 1
std::unique_ptr<Rule> make_w_square(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_flat(const RuleSpec&, const Conventions&);
// At the rest:
std::unique_ptr<Rule> make_pass(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_proportional(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_norm(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_bilinear(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_gate(const RuleSpec&, const Conventions&);  ///< signal = 0
std::unique_ptr<Rule> make_normaliser(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_softmax(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_affine_z(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_relu_guided(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_relu_deconvnet(const RuleSpec&, const Conventions&);
std::unique_ptr<Rule> make_relu_beta_smooth(const RuleSpec&, const Conventions&);  ///< beta = 10

}  // namespace onnxray
