#include "rules/contributions.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class ZPlusRule final : public Rule {
 public:
  explicit ZPlusRule(const Conventions& conventions)
      : stabiliser_(conventions.stabiliser),
        bias_(conventions.zplus_bias == Conventions::HalfBias::include),
        splits_(conventions.exact_splits) {}

  std::string name() const override { return "z_plus"; }

  void emit(NodeContext& context) const override {
    // R_in = x+ T(w+, s) + x- T(w-, s), s = R / safe(x+ * w+ + x- * w- [+ b+])   (Montavon et al. 2017)
    Builder& b = context.b;
    const LinearView linear(context);
    Contributions contributions(b, linear, splits_);
    Var total = contributions.positive();
    const Var bias = bias_ && linear.bias() ? b.max(linear.bias(), 0.0) : Var();
    if (bias) total = b.add(total, bias);
    linear.send(contributions.share(divided(context, linear.R(), total, stabiliser_, bias), {}));
  }

 private:
  Conventions::Stabiliser stabiliser_;
  bool bias_;
  Conventions::Splits splits_;
};

}  // namespace

std::unique_ptr<Rule> make_z_plus(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<ZPlusRule>(conventions);
}

}  // namespace onnxray
