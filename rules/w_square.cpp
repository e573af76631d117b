#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class WSquareRule final : public Rule {
 public:
  explicit WSquareRule(const Conventions& conventions)
      : stabiliser_(conventions.stabiliser),
        bias_(conventions.wsquare_bias == Conventions::HalfBias::include) {}

  std::string name() const override { return "w_square"; }

  void emit(NodeContext& context) const override {
    // R_in = T(w^2, R / safe(1 * w^2 [+ b^2])): only taps that exist count      (Montavon et al. 2017)
    Builder& b = context.b;
    const LinearView linear(context);
    const Var w = b.mul(linear.w(), linear.w());
    Var total = linear.product(b.filled(1, linear.sample_shape(), b.dtype(linear.x())), w);
    const Var bias = bias_ && linear.bias() ? b.mul(linear.bias(), linear.bias()) : Var();
    if (bias) total = b.add(total, bias);
    linear.send(linear.adjoint(w, divided(context, linear.R(), total, stabiliser_, bias)));
  }

 private:
  Conventions::Stabiliser stabiliser_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Rule> make_w_square(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<WSquareRule>(conventions);
}

}  // namespace onnxray
