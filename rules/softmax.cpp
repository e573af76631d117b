#include "backward/where_arrived.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

class SoftmaxRule final : public Rule {
 public:
  std::string name() const override { return "softmax"; }
  void emit(NodeContext& context) const override {
    // Deep Taylor at x:  R_x = x * (R - y sum R), along the softmax axis   (Achtibat et al. 2024, AttnLRP)
    Builder& b = context.b;
    if (!context.wants(0)) return;
    const Var x = context.input(0), y = context.output(), R = context.cotangent();
    const int64_t axis = int_attribute(context.node, "axis", -1);
    // A masked score is -inf with y = 0; its relevance is 0, not NaN. Where a whole row is masked y is NaN,
    // and so is what arrives there, unless a mask takes the row out.
    const Var finite = b.select(b.unary(Opcode::is_inf, x), b.scalar(0, b.dtype(x)), x);
    Var of_sum = b.mul(y, b.sum(R, {axis}));
    if (context.may_be_infinite(y))
      of_sum = where_arrived(b, b.reduce(Reduce::Kind::max, b.abs(R), {axis}), of_sum);
    context.send(0, b.mul(finite, b.sub(R, of_sum)));
  }
};

}  // namespace

std::unique_ptr<Rule> make_softmax(const RuleSpec&, const Conventions&) {
  return std::make_unique<SoftmaxRule>();
}

}  // namespace onnxray
