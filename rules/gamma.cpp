#include "core/fail.h"
#include "rules/contributions.h"
#include "rules/rectified.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class GammaRule final : public Rule {
 public:
  GammaRule(double gamma, const Conventions& conventions)
      : gamma_(gamma), stabiliser_(conventions.stabiliser), splits_(conventions.exact_splits) {}

  std::string name() const override { return fmt::format("gamma({:g})", gamma_); }

  void emit(NodeContext& context) const override {
    // The contributions of z's own sign count 1 + gamma times (Montavon et al. 2019; for z < 0 as in Zennit):
    //   z > 0: s+ = R / (z + gamma (P + b+)),  P gets (1 + gamma) s+, N gets s+
    //   z < 0: s- = R / (z + gamma (N + b-)),  P gets s-, N gets (1 + gamma) s-
    //   z = 0: no relevance
    Builder& b = context.b;
    const LinearView linear(context);
    if (splits_ != Conventions::Splits::literal && linear.x_is_non_negative() &&
        vanishes_behind_relu(b.program(), linear.R(), context.output()))
      return emit_positive(context, linear);
    Contributions contributions(b, linear, splits_);
    const Var z = linear.z(), zero = b.scalar(0, b.dtype(z));
    Var P = contributions.positive();
    if (linear.bias()) P = b.add(P, b.max(linear.bias(), 0.0));
    const Var N = b.sub(z, P);  // N + b-; for z < 0 nothing cancels
    const Var above = b.less(0.0, z), below = b.less(z, 0.0);
    const Var own = b.select(above, P, N);
    // R without the units of z = 0.
    const Var R = b.select(b.equal(z, 0.0), zero, linear.R());
    if (context.ledger()) enter_dropped(context, b.sub(linear.R(), R));
    const Var s =
        divided(context, R, b.add(z, b.mul(own, gamma_)), stabiliser_, raised_bias(b, linear, above));
    const Var s_above = b.select(above, s, zero), s_below = b.select(below, s, zero);
    linear.send(contributions.share(b.add(b.mul(s_above, 1 + gamma_), s_below),
                                    b.add(s_above, b.mul(s_below, 1 + gamma_))));
  }

 private:
  /// b + gamma b+ where z > 0, else b + gamma b-: what the denominators have of the bias.
  Var raised_bias(Builder& b, const LinearView& linear, Var above) const {
    const Var bias = linear.bias();
    if (!bias) return {};
    return b.add(bias, b.mul(b.select(above, b.max(bias, 0.0), b.min(bias, 0.0)), gamma_));
  }

  /// For x >= 0 and no relevance at z <= 0: one product and one adjoint under w' = w + gamma w+, b' alike:
  ///   R_in = x T(w', R / (x * w' + b'))
  void emit_positive(NodeContext& context, const LinearView& linear) const {
    Builder& b = context.b;
    const auto raised = [&](Var v) { return b.add(v, b.mul(b.max(v, 0.0), gamma_)); };
    const Var w = raised(linear.w());
    Var z = linear.product(linear.x(), w);
    if (linear.bias()) z = b.add(z, raised(linear.bias()));
    const Var bias = linear.bias() ? raised(linear.bias()) : Var();
    linear.send(b.mul(linear.x(), linear.adjoint(w, divided(context, linear.R(), z, stabiliser_, bias))));
  }

  double gamma_;
  Conventions::Stabiliser stabiliser_;
  Conventions::Splits splits_;
};

}  // namespace

std::unique_ptr<Rule> make_gamma(const RuleSpec& spec, const Conventions& conventions) {
  const double gamma = spec.parameter("gamma", 0.25);
  require(gamma >= 0, ErrorCode::usage, "gamma must not be negative, it is {:g}", gamma);
  return std::make_unique<GammaRule>(gamma, conventions);
}

}  // namespace onnxray
