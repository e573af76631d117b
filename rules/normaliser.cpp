#include <algorithm>

#include "rules/rules.h"
#include "rules/stabilise.h"

namespace onnxray {

namespace {

/// How a node normalises: x reshaped to `shape`, statistics over `axes` of it, each with its own deviation.
struct Statistics {
  Shape shape;
  std::vector<int64_t> axes;
  double epsilon = 1e-5;
};

/// Of the operators that subtract a mean; nothing for those that only scale.
std::optional<Statistics> centring_statistics(const NodeContext& context) {
  const Node& node = context.node;
  const Shape shape = context.b.shape(context.input(0));
  const double epsilon = float_attribute(node, "epsilon", 1e-5);
  if (node.op == "LayerNormalization") {
    const auto axis = static_cast<size_t>(normalise_axis(int_attribute(node, "axis", -1), shape.size()));
    return Statistics{shape, axes_from(axis, shape.size()), epsilon};
  }
  if (node.op == "BatchNormalizationInTraining") {
    std::vector<int64_t> axes = axes_from(1, shape.size());
    if (!axes.empty()) axes[0] = 0;  // all but the channels
    return Statistics{shape, axes, epsilon};
  }
  if (node.op == "InstanceNormalization") return Statistics{shape, axes_from(2, shape.size()), epsilon};
  if (node.op == "GroupNormalization") {
    const int64_t groups = int_attribute(node, "num_groups", 1);
    const int64_t each = element_count(shape) / std::max<int64_t>(1, shape[0] * groups);
    return Statistics{{shape[0], groups, each}, {2}, epsilon};
  }
  if (node.op == "MeanVarianceNormalization") {
    const std::vector<int64_t> axes = ints_attribute(node, "axes");
    return Statistics{shape, axes.empty() ? std::vector<int64_t>{0, 2, 3} : axes, 0};
  }
  return std::nullopt;
}

/// The scale (input 1) or the bias (2) in a shape that broadcasts to x; unset where there is none.
Var per_channel(const NodeContext& context, size_t input) {
  Builder& b = context.b;
  const Var w = context.input(input);
  const Shape x = b.shape(context.input(0));
  if (!w || context.node.op == "LayerNormalization") return w;
  Shape channels(x.size(), 1);
  const int64_t given = element_count(b.shape(w));
  if (x.size() > 1) channels[1] = x[1];
  if (given == element_count(channels)) return b.reshape(w, channels);
  // GroupNormalization before opset 21: one scale for each group.
  return b.reshape(b.broadcast(b.reshape(w, {given, 1}), {given, x[1] / given}), channels);
}

class NormaliserRule final : public Rule {
 public:
  explicit NormaliserRule(Conventions::Stabiliser stabiliser) : stabiliser_(stabiliser) {}
  std::string name() const override { return "normaliser"; }
  void emit(NodeContext& context) const override {
    // y = w (x - mean x) / sigma + beta with sigma a constant:
    //   R_in = x * C(w / sigma * R / safe(y)),  C(v) = v - mean v, its own adjoint     (AttnLRP, Prop. 3.4)
    // Without a mean, y = x w / sigma, this is R_in = R.
    Builder& b = context.b;
    if (!context.wants(0)) return;
    const auto statistics = centring_statistics(context);
    if (!statistics) return context.send(0, context.cotangent());
    const auto& [shape, axes, epsilon] = *statistics;
    const Var x = context.input(0);
    const Shape original = b.shape(x);
    // y's part that no x pays: beta.
    const Var beta = per_channel(context, 2);
    Var s = divided(context, context.cotangent(), context.output(), stabiliser_, beta);
    if (const Var w = per_channel(context, 1)) s = b.mul(s, w);
    // The same steps as the node's own: they are computed once.
    const Var grouped = b.reshape(x, shape);
    const Var centred = b.sub(grouped, b.mean(grouped, axes));
    const Var variance = b.mean(b.mul(centred, centred), axes);
    const Var inverse = b.unary(Opcode::reciprocal, deviation(b, variance, epsilon));
    const Var scaled = b.mul(b.reshape(s, shape), inverse);
    context.send(0, b.mul(x, b.reshape(b.sub(scaled, b.mean(scaled, axes)), original)));
  }

 private:
  /// MeanVarianceNormalization, the one without an epsilon, bounds the deviation instead.
  static Var deviation(Builder& b, Var variance, double epsilon) {
    return epsilon > 0 ? b.sqrt(b.add(variance, epsilon)) : b.add(b.sqrt(b.max(variance, 1e-36)), 1e-9);
  }

  Conventions::Stabiliser stabiliser_;
};

}  // namespace

std::unique_ptr<Rule> make_normaliser(const RuleSpec&, const Conventions& conventions) {
  return std::make_unique<NormaliserRule>(conventions.stabiliser);
}

}  // namespace onnxray
