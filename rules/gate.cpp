#include <fmt/format.h>

#include "rules/rules.h"

namespace onnxray {

namespace {

class GateRule final : public Rule {
 public:
  explicit GateRule(size_t signal) : signal_(signal) {}
  std::string name() const override { return fmt::format("gate(signal {})", signal_); }
  void emit(NodeContext& context) const override {
    // y = signal * gate: the signal takes all, R_signal = R    (Arras et al. 2019)
    if (context.wants(signal_))
      context.send(signal_,
                   context.b.sum_to_shape(context.cotangent(), context.b.shape(context.input(signal_))));
  }

 private:
  size_t signal_;
};

}  // namespace

std::unique_ptr<Rule> make_gate(const RuleSpec& spec, const Conventions&) {
  return std::make_unique<GateRule>(static_cast<size_t>(spec.parameter("signal", 0)));
}

}  // namespace onnxray
