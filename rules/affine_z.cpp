#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class AffineZRule final : public Rule {
 public:
  std::string name() const override { return "affine_z"; }
  void emit(NodeContext& context) const override {
    // y = scale (x - mean) / sqrt(var + eps) + beta:  R_in = x (y - beta) R / (D + 1e-7 sgn(D)), D = (x -
    // mean) y The z rule of the affine map; per sample, where SIGN-XAI 1.x takes y - beta of sample 0.
    Builder& b = context.b;
    if (!context.wants(0)) return;
    const Var x = context.input(0), y = context.output();
    Shape channel(b.rank(x), 1);
    channel[channel.size() > 1 ? 1 : 0] = b.shape(context.input(2))[0];
    const Var beta = b.reshape(context.input(2), channel), mean = b.reshape(context.input(3), channel);
    const Var D = b.mul(b.sub(x, mean), y);
    const Var contribution = b.mul(x, b.sub(y, beta)), stable = stabilised(b, D, kSafeEpsilon);
    context.send(0, b.div(b.mul(contribution, context.cotangent()), stable));
    if (context.ledger())
      enter_losses(context, b.div(context.cotangent(), stable), D, stable, b.sub(D, contribution));
  }
};

}  // namespace

std::unique_ptr<Rule> make_affine_z(const RuleSpec&, const Conventions&) {
  return std::make_unique<AffineZRule>();
}

}  // namespace onnxray
