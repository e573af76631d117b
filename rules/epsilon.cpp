#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ZRule final : public Rule {
 public:
  ZRule(bool bias, Conventions::Stabiliser stabiliser) : bias_(bias), stabiliser_(stabiliser) {}
  std::string name() const override { return bias_ ? "z" : "z(no bias)"; }
  void emit(NodeContext& context) const override {
    // R_in = x * T(w, R / safe(z))                       (LRP-0; SIGN-XAI 1.x, iNNvestigate)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var z = bias_ ? linear.z() : linear.z_without_bias();
    linear.send(b.mul(linear.x(), linear.adjoint(divided(context, linear.R(), z, stabiliser_,
                                                         bias_ ? linear.bias() : Var()))));
  }

 private:
  bool bias_;
  Conventions::Stabiliser stabiliser_;
};

class EpsilonRule final : public Rule {
 public:
  EpsilonRule(double epsilon, bool bias) : epsilon_(epsilon), bias_(bias) {}
  std::string name() const override {
    return fmt::format("epsilon({:g}{})", epsilon_, bias_ ? "" : ", no bias");
  }
  void emit(NodeContext& context) const override {
    // R_in = x * T(w, R / (z + epsilon sgn(z)))          (Bach et al. 2015, eq. 58)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var z = bias_ ? linear.z() : linear.z_without_bias();
    const Var D = stabilised(b, z, epsilon_), s = b.div(linear.R(), D);
    enter_losses(context, s, z, D, bias_ ? linear.bias() : Var());
    linear.send(b.mul(linear.x(), linear.adjoint(s)));
  }

 private:
  double epsilon_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Rule> make_z(const RuleSpec& spec, const Conventions& conventions) {
  return std::make_unique<ZRule>(spec.parameter("bias", 1) != 0, conventions.stabiliser);
}

std::unique_ptr<Rule> make_epsilon(const RuleSpec& spec, const Conventions&) {
  return std::make_unique<EpsilonRule>(spec.parameter("epsilon", kSafeEpsilon),
                                       spec.parameter("bias", 1) != 0);
}

}  // namespace onnxray
