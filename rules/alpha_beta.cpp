#include <cmath>

#include "core/fail.h"
#include "rules/contributions.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

using Bias = Conventions::AlphaBetaBias;

class AlphaBetaRule final : public Rule {
 public:
  AlphaBetaRule(double alpha, double beta, bool with_bias, const Conventions& conventions)
      : alpha_(alpha),
        beta_(beta),
        stabiliser_(conventions.stabiliser),
        bias_(with_bias ? conventions.alphabeta_bias : Bias::ignore),
        splits_(conventions.exact_splits) {
    // Without a negative half, the full bias belongs to the only one; else halves as in Zennit, which
    // conserve.
    if (bias_ == Bias::automatic) bias_ = beta == 0 ? Bias::both : Bias::split;
  }

  std::string name() const override { return fmt::format("alpha_beta({:g}, {:g})", alpha_, beta_); }

  void emit(NodeContext& context) const override {
    // R_in = alpha [contributions > 0] R / (P + b_P) - beta [contributions < 0] R / (N + b_N)
    // b_P, b_N: b+ and b- (split), b and b (both), or nothing (ignore)     (Bach et al. 2015, eq. 60)
    Builder& b = context.b;
    const LinearView linear(context);
    Contributions contributions(b, linear, splits_);
    const auto per_unit = [&](Var half, Opcode part, double weight) {
      const Var bias = bias_of(b, linear, part);
      return divided(context, linear.R(), bias ? b.add(half, bias) : half, stabiliser_, bias, weight);
    };
    const Var p = per_unit(contributions.positive(), Opcode::max, alpha_);
    const Var n = beta_ == 0 ? Var() : per_unit(contributions.negative(), Opcode::min, -beta_);
    linear.send(contributions.share(p, n));
  }

 private:
  /// b_P or b_N; unset: nothing.
  Var bias_of(Builder& b, const LinearView& linear, Opcode part) const {
    if (!linear.bias() || bias_ == Bias::ignore) return {};
    return bias_ == Bias::split ? b.binary(part, linear.bias(), 0.0) : linear.bias();
  }

  double alpha_, beta_;
  Conventions::Stabiliser stabiliser_;
  Bias bias_;
  Conventions::Splits splits_;
};

}  // namespace

std::unique_ptr<Rule> make_alpha_beta(const RuleSpec& spec, const Conventions& conventions) {
  const bool only_beta = spec.parameters.contains("beta") && !spec.parameters.contains("alpha");
  const double alpha = only_beta ? spec.parameter("beta", 1) + 1 : spec.parameter("alpha", 2);
  const double beta = spec.parameter("beta", alpha - 1);
  // Decimal numbers such as 2.3 and 1.3 are not exact in binary.
  require(alpha >= 1 && beta >= 0 && std::abs(alpha - beta - 1) <= 1e-9, ErrorCode::usage,
          "alpha_beta needs alpha >= 1, beta >= 0 and alpha - beta = 1, not alpha = {:g} and beta = {:g}",
          alpha, beta);
  return std::make_unique<AlphaBetaRule>(alpha, beta, spec.parameter("bias", 1) != 0, conventions);
}

}  // namespace onnxray
