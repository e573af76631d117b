#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ZRule final : public Rule {
 public:
  std::string name() const override { return "z"; }
  void emit(NodeContext& context) const override {
    // R_in = x * T(w, R / safe(z))                       (LRP-0; SIGN-XAI 1.x, iNNvestigate)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = b.div(linear.R(), safe(b, linear.z()));
    linear.send(b.mul(linear.x(), linear.adjoint(s)));
  }
};

class EpsilonRule final : public Rule {
 public:
  explicit EpsilonRule(double epsilon) : epsilon_(epsilon) {}
  std::string name() const override { return fmt::format("epsilon({:g})", epsilon_); }
  void emit(NodeContext& context) const override {
    // R_in = x * T(w, R / (z + epsilon sgn(z)))          (Bach et al. 2015, eq. 58)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var s = b.div(linear.R(), stabilised(b, linear.z(), epsilon_));
    linear.send(b.mul(linear.x(), linear.adjoint(s)));
  }

 private:
  double epsilon_;
};

}  // namespace

std::unique_ptr<Rule> make_z(const RuleSpec&) { return std::make_unique<ZRule>(); }
std::unique_ptr<Rule> make_epsilon(const RuleSpec& spec) { return std::make_unique<EpsilonRule>(spec.parameter("epsilon", 1e-7)); }

}  // namespace onnxray
