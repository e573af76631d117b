#include "core/fail.h"
#include "rules/contributions.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class GammaRule final : public Rule {
 public:
  GammaRule(double gamma, const Conventions& conventions)
      : gamma_(gamma), stabiliser_(conventions.stabiliser), exact_(conventions.exact_splits) {}

  std::string name() const override { return fmt::format("gamma({:g})", gamma_); }

  void emit(NodeContext& context) const override {
    // The contributions of z's own sign count 1 + gamma times (Montavon et al. 2019; for z < 0 as in Zennit):
    //   z > 0: s+ = R / (z + gamma (P + b+)),  P gets (1 + gamma) s+, N gets s+
    //   z < 0: s- = R / (z + gamma (N + b-)),  P gets s-, N gets (1 + gamma) s-
    //   z = 0: no relevance
    Builder& b = context.b;
    const LinearView linear(context);
    Contributions contributions(b, linear, exact_);
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
  double gamma_;
  Conventions::Stabiliser stabiliser_;
  bool exact_;
};

}  // namespace

std::unique_ptr<Rule> make_gamma(const RuleSpec& spec, const Conventions& conventions) {
  const double gamma = spec.parameter("gamma", 0.25);
  require(gamma >= 0, ErrorCode::usage, "gamma must not be negative, it is {:g}", gamma);
  return std::make_unique<GammaRule>(gamma, conventions);
}

}  // namespace onnxray
