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
      return emit_positive(b, linear);
    Contributions contributions(b, linear, splits_);
    const Var z = linear.z(), zero = b.scalar(0, b.dtype(z));
    Var P = contributions.positive();
    if (linear.bias()) P = b.add(P, b.max(linear.bias(), 0.0));
    const Var N = b.sub(z, P);  // N + b-; for z < 0 nothing cancels
    const Var above = b.less(0.0, z), below = b.less(z, 0.0);
    const Var own = b.select(above, P, N);
    const Var s = divided(b, linear.R(), b.add(z, b.mul(own, gamma_)), stabiliser_);
    const Var s_above = b.select(above, s, zero), s_below = b.select(below, s, zero);
    linear.send(contributions.share(b.add(b.mul(s_above, 1 + gamma_), s_below),
                                    b.add(s_above, b.mul(s_below, 1 + gamma_))));
  }

 private:
  /// For x >= 0 and no relevance at z <= 0: one product and one adjoint under w' = w + gamma w+, b' alike:
  ///   R_in = x T(w', R / (x * w' + b'))
  void emit_positive(Builder& b, const LinearView& linear) const {
    const auto raised = [&](Var v) { return b.add(v, b.mul(b.max(v, 0.0), gamma_)); };
    const Var w = raised(linear.w());
    Var z = linear.product(linear.x(), w);
    if (linear.bias()) z = b.add(z, raised(linear.bias()));
    linear.send(b.mul(linear.x(), linear.adjoint(w, divided(b, linear.R(), z, stabiliser_))));
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
