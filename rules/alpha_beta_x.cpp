#include <fmt/format.h>

#include <array>

#include "rules/linear.h"
#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

/// iNNvestigate's AlphaBetaX: the four parts of the contributions, by the signs of input and weight, each
/// with a denominator of its own.
class AlphaBetaXRule final : public Rule {
 public:
  struct Weights {
    double alpha0, alpha1, beta0, beta1;
  };

  AlphaBetaXRule(Weights weights, const Conventions& conventions)
      : weights_(weights),
        stabiliser_(conventions.stabiliser),
        bias_(conventions.alphabeta_bias != Conventions::AlphaBetaBias::ignore) {}

  std::string name() const override {
    const Weights& w = weights_;
    return fmt::format("alpha_beta_x({:g}, {:g}, {:g}, {:g})", w.alpha0, w.alpha1, w.beta0, w.beta1);
  }

  void emit(NodeContext& context) const override {
    // R_in = alpha0 r(x+, w+, b+) + alpha1 r(x-, w-, b-) - beta0 r(x+, w-, b-) - beta1 r(x-, w+, b+)
    // with r(x, w, b) = x T(w, R / safe(x * w + b))
    Builder& b = context.b;
    const LinearView linear(context);
    struct Part {
      Opcode x, w;
      double weight;
    };
    const std::array<Part, 4> parts{{{Opcode::max, Opcode::max, weights_.alpha0},
                                     {Opcode::min, Opcode::min, weights_.alpha1},
                                     {Opcode::max, Opcode::min, -weights_.beta0},
                                     {Opcode::min, Opcode::max, -weights_.beta1}}};
    Var total;
    for (const Part& part : parts) {
      if (part.weight == 0) continue;
      const Var share = share_of(context, linear, part.x, part.w, part.weight);
      total = total ? b.add(total, share) : share;
    }
    linear.send(total ? total : b.mul(linear.x(), 0.0));
  }

 private:
  Var share_of(NodeContext& context, const LinearView& linear, Opcode x_sign, Opcode w_sign,
               double weight) const {
    Builder& b = context.b;
    const Var x = b.binary(x_sign, linear.x(), 0.0), w = b.binary(w_sign, linear.w(), 0.0);
    const Var bias = bias_ && linear.bias() ? b.binary(w_sign, linear.bias(), 0.0) : Var();
    const Var product = linear.product(x, w);
    const Var z = bias ? b.add(product, bias) : product;
    return b.mul(x, linear.adjoint(w, divided(context, linear.R(), z, stabiliser_, bias, weight)));
  }

  Weights weights_;
  Conventions::Stabiliser stabiliser_;
  bool bias_;
};

}  // namespace

std::unique_ptr<Rule> make_alpha_beta_x(const RuleSpec& spec, const Conventions& conventions) {
  return std::make_unique<AlphaBetaXRule>(
      AlphaBetaXRule::Weights{spec.parameter("alpha0", 0.5), spec.parameter("alpha1", 0.5),
                              spec.parameter("beta0", 0.5), spec.parameter("beta1", 0.5)},
      conventions);
}

}  // namespace onnxray
