#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ProportionalRule final : public Rule {
 public:
  std::string name() const override { return "proportional"; }
  void emit(NodeContext& context) const override {
    // y = sum of linear maps of the inputs:  R_i = x_i * J_i^T (R / safe(y))
    // Constants among the inputs keep their share, as a bias does.
    Builder& b = context.b;
    const std::vector<Var> shares = context.adjoint(b.div(context.cotangent(), safe(b, context.output())));
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i]) context.send(i, b.mul(context.input(i), shares[i]));
    }
  }
};

}  // namespace

std::unique_ptr<Rule> make_proportional(const RuleSpec&) { return std::make_unique<ProportionalRule>(); }

}  // namespace onnxray
