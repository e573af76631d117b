#include <fmt/format.h>

#include "rules/rules.h"

namespace onnxray {

namespace {

class ReluGuidedRule final : public Rule {
 public:
  std::string name() const override { return "relu_guided"; }
  void emit(NodeContext& context) const override {
    // R_in = J^T R where R > 0, else 0: of the clipped R, as ReLU'(x) >= 0   (Springenberg et al. 2015)
    const std::vector<Var> shares = context.adjoint(context.b.unary(Opcode::relu, context.cotangent()));
    for (size_t i = 0; i < shares.size(); ++i) context.send(i, shares[i]);
  }
};

class ReluDeconvnetRule final : public Rule {
 public:
  std::string name() const override { return "relu_deconvnet"; }
  void emit(NodeContext& context) const override {
    // R_in = max(R, 0)                                                       (Zeiler & Fergus 2014)
    if (context.wants(0)) context.send(0, context.b.unary(Opcode::relu, context.cotangent()));
  }
};

class ReluBetaSmoothRule final : public Rule {
 public:
  explicit ReluBetaSmoothRule(double beta) : beta_(beta) {}
  std::string name() const override { return fmt::format("relu_beta_smooth({:g})", beta_); }
  void emit(NodeContext& context) const override {
    // R_in = sigmoid(beta x) R: the gradient of softplus(beta x) / beta      (Dombrowski et al. 2019)
    Builder& b = context.b;
    if (!context.wants(0)) return;
    context.send(0, b.mul(b.unary(Opcode::sigmoid, b.mul(context.input(0), beta_)), context.cotangent()));
  }

 private:
  double beta_;
};

}  // namespace

std::unique_ptr<Rule> make_relu_guided(const RuleSpec&, const Conventions&) {
  return std::make_unique<ReluGuidedRule>();
}
std::unique_ptr<Rule> make_relu_deconvnet(const RuleSpec&, const Conventions&) {
  return std::make_unique<ReluDeconvnetRule>();
}
std::unique_ptr<Rule> make_relu_beta_smooth(const RuleSpec& spec, const Conventions&) {
  return std::make_unique<ReluBetaSmoothRule>(spec.parameter("beta", 10));
}

}  // namespace onnxray
