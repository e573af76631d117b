#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class BilinearRule final : public Rule {
 public:
  std::string name() const override { return "bilinear"; }
  void emit(NodeContext& context) const override {
    // y bilinear in a and b: each gets half, of more factors its part.  R_a = a * J_a^T (R / safe(2 y))
    // (Achtibat et al. 2024, AttnLRP)
    Builder& b = context.b;
    const auto factors = context.node.op == "Einsum" ? static_cast<double>(context.input_count()) : 2.0;
    const Var all = b.mul(context.output(), factors), D = safe(b, all),
              s = per_unit(context, context.cotangent(), D);
    enter_losses(context, s, all, D);
    const std::vector<Var> shares = context.adjoint(s);
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i]) context.send(i, contribution(context, i, shares[i]));
    }
  }
};

}  // namespace

std::unique_ptr<Rule> make_bilinear(const RuleSpec&, const Conventions&) {
  return std::make_unique<BilinearRule>();
}

}  // namespace onnxray
