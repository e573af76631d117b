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
    // A masked score is -inf with y = 0; its relevance is 0, not NaN.
    const Var finite = b.select(b.unary(Opcode::is_inf, x), b.scalar(0, b.dtype(x)), x);
    context.send(0, b.mul(finite, b.sub(R, b.mul(y, b.sum(R, {axis})))));
  }
};

}  // namespace

std::unique_ptr<Rule> make_softmax(const RuleSpec&, const Conventions&) {
  return std::make_unique<SoftmaxRule>();
}

}  // namespace onnxray
