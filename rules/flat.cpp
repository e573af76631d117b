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
    // All channels of z see the same inputs: T(1, s) is one channel's adjoint of the sum over channels.
    Builder& b = context.b;
    const LinearView linear(context);
    Shape shape = b.shape(linear.w());
    const auto channels = linear.channel_axes();
    if (channels) shape[static_cast<size_t>(channels->of_w)] = 1;
    const Var w = b.filled(1, shape, b.dtype(linear.w()));
    const Var total = linear.product(b.filled(1, linear.sample_shape(), b.dtype(linear.x())), w);
    const Var s = divided(context, linear.R(), total, stabiliser_);
    linear.send(linear.adjoint(w, channels ? b.sum(s, {channels->of_z}) : s));
  }

 private:
  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_flat(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<FlatRule>(conventions.stabiliser);
}

}  // namespace onnxray
