#include <fmt/format.h>

#include "core/per_sample.h"
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
    const bool apart = per_sample_ && linear.samples_of_x() && linear.samples_of_z();
    const auto at = apart ? linear.samples_of_x() : std::nullopt;
    const Var centred = b.sub(x, mean_per_sample(b, x, at));
    const Var total = sum_per_sample(b, b.mul(centred, centred), at);
    const double entries = static_cast<double>(element_count(b.shape(x))) /
                           static_cast<double>(std::max<int64_t>(1, element_count(b.shape(total))));
    const Var variance = spread(b, b.mul(total, 1 / entries), b.shape(z), apart ? linear.samples_of_z() : at);
    const Var epsilon = b.mul(b.sqrt(variance), factor_);
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
