#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class SignRule final : public Rule {
 public:
  std::string name() const override { return "sign"; }
  void emit(NodeContext& context) const override {
    // R_in = sgn(x) * T(w, R / safe(z)), sgn(0) = +1     (Gumpfer et al. 2023, SIGN)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = b.div(linear.R(), safe(b, linear.z()));
    linear.send(b.mul(b.unary(Opcode::sign_positive, linear.x()), linear.adjoint(s)));
  }
};

class SignMuRule final : public Rule {
 public:
  explicit SignMuRule(double mu) : mu_(mu) {}
  std::string name() const override { return fmt::format("sign_mu({:g})", mu_); }
  void emit(NodeContext& context) const override {
    // R_in = s_mu(x) * T(w, R / safe(z)), s_mu(x) = +1 where x >= mu, else -1
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = b.div(linear.R(), safe(b, linear.z()));
    const DType type = b.dtype(linear.x());
    const Var sign = b.select(b.less(linear.x(), mu_), b.scalar(-1, type), b.scalar(1, type));
    linear.send(b.mul(sign, linear.adjoint(s)));
  }

 private:
  double mu_;
};

}  // namespace

std::unique_ptr<Rule> make_sign(const RuleSpec&) { return std::make_unique<SignRule>(); }
std::unique_ptr<Rule> make_sign_mu(const RuleSpec& spec) { return std::make_unique<SignMuRule>(spec.parameter("mu", 0)); }

}  // namespace onnxray
