#include <algorithm>

#include "rules/rectified.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ProportionalRule final : public Rule {
 public:
  ProportionalRule(std::string name, Conventions::Stabiliser stabiliser)
      : name_(std::move(name)), stabiliser_(stabiliser) {}
  std::string name() const override { return name_; }
  void emit(NodeContext& context) const override {
    // y = sum of linear maps of the inputs:  R_i = x_i * J_i^T (R / safe(y))
    // Constants among the inputs keep their share, as a bias does.
    Builder& b = context.b;
    const Var R = context.cotangent(), twin = rectified_twin(b.program(), R, context.output());
    const Var y = twin ? twin : context.output(), per_unit = divided(context, R, y, stabiliser_);
    Var s = per_unit;
    // Every factor of a product contributes all of it: each gets its part.
    if (context.node.op == "ReduceProd") {
      const auto factors =
          element_count(b.shape(context.input(0))) / std::max<int64_t>(1, element_count(b.shape(s)));
      s = b.div(s, static_cast<double>(factors));
    }
    const std::vector<Var> shares = context.adjoint(s);
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i]) context.send(i, b.mul(context.input(i), shares[i]));
    }
    if (Ledger* books = context.ledger(); books && books->sent) {
      // y = sum of the terms that move + constants: what s y did not send is the constants'.
      books->bias = b.sub(b.reshape(b.sum(b.mul(per_unit, y), {}), {1}), books->sent);
    }
  }

 private:
  std::string name_;
  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_proportional(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<ProportionalRule>("proportional", conventions.stabiliser);
}

/// Zennit's: the same with its stabiliser, under any convention.
std::unique_ptr<Rule> make_norm(const RuleSpec&, const Conventions&) {
  return std::make_unique<ProportionalRule>("norm", Conventions::Stabiliser::with_sign);
}

}  // namespace onnxray
