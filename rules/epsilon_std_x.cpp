#include <fmt/format.h>

#include "rules/linear.h"
#include "rules/rules.h"

namespace onnxray {

namespace {

class EpsilonStdXRule final : public Rule {
 public:
  explicit EpsilonStdXRule(double factor) : factor_(factor) {}
  std::string name() const override { return fmt::format("epsilon_std_x({:g})", factor_); }
  void emit(NodeContext& context) const override {
    // epsilon = factor * std(x), the population standard deviation of the layer's own input, per sample
    // R_in = x * T(w, R / (z + epsilon sgn(z)))
    Builder& b = context.b;
    const LinearView linear(context);
    const Var x = linear.x(), z = linear.z();
    std::vector<int64_t> axes;
    for (size_t i = 1; i < b.rank(x); ++i) axes.push_back(static_cast<int64_t>(i));
    const Var centred = b.sub(x, b.mean(x, axes));
    Shape per_sample(b.rank(z), 1);
    per_sample[0] = b.shape(x)[0];
    const Var epsilon = b.mul(b.sqrt(b.reshape(b.mean(b.mul(centred, centred), axes), per_sample)), factor_);
    const Var s = b.div(linear.R(), b.add(z, b.mul(epsilon, b.unary(Opcode::sign_positive, z))));
    linear.send(b.mul(x, linear.adjoint(s)));
  }

 private:
  double factor_;
};

}  // namespace

std::unique_ptr<Rule> make_epsilon_std_x(const RuleSpec& spec) {
  return std::make_unique<EpsilonStdXRule>(spec.parameter("factor", 0.25));
}

}  // namespace onnxray
