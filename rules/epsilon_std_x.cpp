#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class EpsilonStdXRule final : public Rule {
 public:
  EpsilonStdXRule(double factor, bool per_sample) : factor_(factor), per_sample_(per_sample) {}
  std::string name() const override { return fmt::format("epsilon_std_x({:g})", factor_); }
  void emit(NodeContext& context) const override {
    // epsilon = factor * std(x), the population standard deviation of the layer's own input, per sample
    // R_in = x * T(w, R / (z + epsilon sgn(z)))
    Builder& b = context.b;
    const LinearView linear(context);
    const Var x = linear.x(), z = linear.z();
    const std::vector<int64_t> axes = axes_from(per_sample_ ? 1 : 0, b.rank(x));
    const Var centred = b.sub(x, b.mean(x, axes));
    Shape like_z(b.rank(z), 1);
    if (per_sample_) like_z[0] = b.shape(x)[0];
    const Var epsilon = b.mul(b.sqrt(b.reshape(b.mean(b.mul(centred, centred), axes), like_z)), factor_);
    const Var D = b.add(z, b.mul(epsilon, b.unary(Opcode::sign_positive, z))), s = b.div(linear.R(), D);
    enter_losses(context, s, z, D, linear.bias());
    linear.send(b.mul(x, linear.adjoint(s)));
  }

 private:
  double factor_;
  bool per_sample_;
};

}  // namespace

std::unique_ptr<Rule> make_epsilon_std_x(const RuleSpec& spec, const Conventions& conventions) {
  return std::make_unique<EpsilonStdXRule>(spec.parameter("factor", 0.25),
                                           conventions.std_x == Conventions::StdX::per_sample);
}

}  // namespace onnxray
