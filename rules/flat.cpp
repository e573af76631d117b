#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class FlatRule final : public Rule {
 public:
  explicit FlatRule(Conventions::Stabiliser stabiliser) : stabiliser_(stabiliser) {}
  std::string name() const override { return "flat"; }
  void emit(NodeContext& context) const override {
    // R_in = T(1, R / safe(1 * 1)): the inputs that an output sees share alike    (Lapuschkin et al. 2019)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var w = b.filled(1, b.shape(linear.w()), b.dtype(linear.w()));
    const Var total = linear.product(b.filled(1, b.shape(linear.x()), b.dtype(linear.x())), w);
    linear.send(linear.adjoint(w, divided(b, linear.R(), total, stabiliser_)));
  }

 private:
  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_flat(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<FlatRule>(conventions.stabiliser);
}

}  // namespace onnxray
