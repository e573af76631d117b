#include <fmt/format.h>

#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

class GateRule final : public Rule {
 public:
  explicit GateRule(size_t signal) : signal_(signal) {}
  std::string name() const override { return fmt::format("gate(signal {})", signal_); }
  void emit(NodeContext& context) const override {
    // y = signal * gate: the signal takes all                              (Arras et al. 2019)
    //   elementwise R_signal = R; in a matrix product, whose gate is a matrix of weights such as attention,
    //   R_signal = signal * J^T (R / safe(y))                              (Ali et al. 2022, CP-LRP)
    Builder& b = context.b;
    if (!context.wants(signal_)) return enter_constant(context, context.cotangent());
    const Var signal = context.input(signal_);
    if (context.node.op == "Mul")
      return context.send(signal_, b.sum_to_shape(context.cotangent(), b.shape(signal)));
    const Var s = per_unit(context, context.cotangent(), safe(b, context.output()));
    context.send(signal_, contribution(context, signal_, context.adjoint(s)[signal_]));
  }

 private:
  size_t signal_;
};

}  // namespace

std::unique_ptr<Rule> make_gate(const RuleSpec& spec, const Conventions&) {
  return std::make_unique<GateRule>(static_cast<size_t>(spec.parameter("signal", 0)));
}

}  // namespace onnxray
