#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"
#include "rules/threshold.h"

namespace onnxray {

namespace {

class SignRule final : public Rule {
 public:
  explicit SignRule(Conventions::Stabiliser stabiliser) : stabiliser_(stabiliser) {}
  std::string name() const override { return "sign"; }
  void emit(NodeContext& context) const override {
    // R_in = sgn(x) * T(w, R / safe(z)), sgn(0) = +1     (Gumpfer et al. 2023, SIGN)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = divided(context, linear.R(), linear.z(), stabiliser_, linear.bias());
    linear.send(b.mul(b.unary(Opcode::sign_positive, linear.x()), linear.adjoint(s)));
  }

 private:
  Conventions::Stabiliser stabiliser_;
};

class SignMuRule final : public Rule {
 public:
  SignMuRule(double mu, Conventions::Stabiliser stabiliser) : mu_(mu), stabiliser_(stabiliser) {}
  std::string name() const override { return fmt::format("sign_mu({:g})", mu_); }
  void emit(NodeContext& context) const override {
    // R_in = s_mu(x) * T(w, R / safe(z)), s_mu(x) = +1 where x >= mu, else -1
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = divided(context, linear.R(), linear.z(), stabiliser_, linear.bias());
    const DType type = b.dtype(linear.x());
    const Var sign =
        b.select(b.less(linear.x(), threshold_in(mu_, type)), b.scalar(-1, type), b.scalar(1, type));
    linear.send(b.mul(sign, linear.adjoint(s)));
  }

 private:
  double mu_;
  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_sign(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<SignRule>(conventions.stabiliser);
}

std::unique_ptr<Rule> make_sign_mu(const RuleSpec& spec, const Conventions& conventions) {
  return std::make_unique<SignMuRule>(spec.parameter("mu", 0), conventions.stabiliser);
}

}  // namespace onnxray
