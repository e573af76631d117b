#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ZPlusFastRule final : public Rule {
 public:
  explicit ZPlusFastRule(Conventions::Stabiliser stabiliser) : stabiliser_(stabiliser) {}
  std::string name() const override { return "z_plus_fast"; }
  void emit(NodeContext& context) const override {
    // R_in = x * T(w+, R / safe(x * w+)): z+ for x >= 0, whatever the sign of x    (iNNvestigate)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var w = b.max(linear.w(), 0.0);
    const Var s = divided(context, linear.R(), linear.product(linear.x(), w), stabiliser_);
    linear.send(b.mul(linear.x(), linear.adjoint(w, s)));
  }

 private:
  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_z_plus_fast(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<ZPlusFastRule>(conventions.stabiliser);
}

}  // namespace onnxray
