#include <algorithm>

#include "backward/where_arrived.h"
#include "rules/degree.h"
#include "rules/rectified.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

bool is_place(const NodeContext& context, size_t i) {
  return std::ranges::find(context.op().places, static_cast<int>(i)) != context.op().places.end();
}

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
    const Var y = twin ? twin : context.output(), s = divided(context, R, y, stabiliser_);
    // Every factor of a product contributes all of it: each gets its part.
    const Var factors = degree(context);
    const std::vector<Var> shares = context.adjoint(factors ? b.div(s, factors) : s);
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i] && !is_place(context, i)) context.send(i, contribution(context, i, shares[i]));
    }
    if (Ledger* books = context.ledger(); books && books->sent) {
      // y = sum of the terms that move + constants: what s y did not send is the constants'.
      books->bias = b.sub(b.reshape(b.sum(where_arrived(b, s, b.mul(s, y)), {}), {1}), books->sent);
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
