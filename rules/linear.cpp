#include "rules/linear.h"

namespace onnxray {

namespace {

/// [C] as [1, C, 1, ...].
Var per_channel(Builder& b, Var v, size_t rank) {
  Shape shape(rank, 1);
  shape[rank > 1 ? 1 : 0] = b.shape(v)[0];
  return b.reshape(v, shape);
}

/// The bias of a linear node, in a shape that broadcasts to its output.
Var output_bias(const NodeContext& context) {
  Builder& b = context.b;
  const Var bias = context.input(2);
  if (!bias) return {};
  if (context.node.op != "Gemm") return per_channel(b, bias, b.rank(context.output()));
  const double beta = float_attribute(context.node, "beta", 1);
  return beta == 1 ? bias : b.mul(bias, beta);
}

}  // namespace

LinearView::LinearView(NodeContext& context)
    : context_(context),
      data_(context.wants(0) ? 0 : 1),
      weight_(data_ == 0 ? 1 : 0),
      elementwise_(context.node.op == "BatchNormalization") {
  if (!elementwise_) {
    w_ = context.input(weight_);
    bias_ = output_bias(context);
    return;
  }
  // y = w x + (beta - mean w), w = scale / sqrt(var + eps)
  Builder& b = context.b;
  const size_t rank = b.rank(context.input(0));
  const Var deviation = b.sqrt(b.add(context.input(4), float_attribute(context.node, "epsilon", 1e-5)));
  const Var w = b.div(context.input(1), deviation);
  w_ = per_channel(b, w, rank);
  bias_ = per_channel(b, b.sub(context.input(2), b.mul(context.input(3), w)), rank);
}

bool LinearView::x_is_non_negative() const {
  const SignFact sign = context_.sign(data_);
  return sign == SignFact::non_negative || sign == SignFact::zero;
}

Var LinearView::product(Var x, Var w) const {
  if (elementwise_) return context_.b.mul(x, w);
  std::vector<NodeContext::Substitute> substitutes{{data_, x}, {weight_, w}};
  if (const Var bias = context_.input(2)) {
    substitutes.push_back({2, context_.b.filled(0, context_.b.shape(bias), context_.b.dtype(bias))});
  }
  return context_.forward(substitutes);
}

Var LinearView::adjoint(Var s) const {
  return elementwise_ ? context_.b.mul(w_, s) : context_.adjoint(s)[data_];
}

Var LinearView::adjoint(Var w, Var s) const {
  if (elementwise_) return context_.b.mul(w, s);
  const NodeContext::Substitute weight{weight_, w};
  return context_.adjoint(s, {&weight, 1})[data_];
}

}  // namespace onnxray
