#include "rules/linear.h"

#include <algorithm>

#include "rules/rectified.h"

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
  if (!bias || context.node.op == "Einsum") return {};
  if (context.node.op == "MatMul") return bias;
  if (context.node.op != "Gemm") return per_channel(b, bias, b.rank(context.output()));
  const double beta = float_attribute(context.node, "beta", 1);
  return beta == 1 ? bias : b.mul(bias, beta);
}

}  // namespace

LinearView::LinearView(NodeContext& context)
    : context_(context),
      data_(context.wants(0) ? 0 : 1),
      weight_(data_ == 0 ? 1 : 0),
      elementwise_(context.node.op == "BatchNormalization"),
      z_(context.output()) {
  if (const Var twin = rectified_twin(context.b.program(), R(), z_)) z_ = twin;
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

int64_t LinearView::fan_in() const {
  if (elementwise_) return 1;
  const Shape& out = context_.b.shape(z());
  const std::string& op = context_.node.op;
  const size_t rank = out.size();
  const bool has_channels = op == "Conv" || op == "ConvTranspose";
  const int64_t outputs = rank < 2 ? 1 : out[has_channels ? 1 : data_ == 0 ? rank - 1 : rank - 2];
  int64_t terms = element_count(context_.b.shape(w_)) / std::max<int64_t>(outputs, 1);
  if (op != "ConvTranspose") return terms;
  // Upsampling: an output sees one in so many taps.
  for (const int64_t stride : ints_attribute(context_.node, "strides")) terms /= std::max<int64_t>(stride, 1);
  return terms;
}

std::optional<LinearView::ChannelAxes> LinearView::channel_axes() const {
  const Node& node = context_.node;
  const auto w_rank = static_cast<int64_t>(context_.b.rank(w_)),
             z_rank = static_cast<int64_t>(context_.b.rank(z()));
  const bool x_first = data_ == 0;
  if (node.op == "Conv" || node.op == "ConvTranspose") {
    if (int_attribute(node, "group", 1) != 1) return {};
    return ChannelAxes{node.op == "Conv" ? 0 : 1, 1};
  }
  if (elementwise_ || w_rank < 2 || z_rank < 2 || node.op == "Einsum") return {};
  const bool transposed = node.op == "Gemm" && int_attribute(node, x_first ? "transB" : "transA", 0) != 0;
  return ChannelAxes{x_first == transposed ? w_rank - 2 : w_rank - 1, x_first ? z_rank - 1 : z_rank - 2};
}

Shape LinearView::sample_shape() const {
  const Builder& b = context_.b;
  Shape shape = b.shape(x());
  const std::string& op = context_.node.op;
  const bool dense = op == "Gemm" || op == "MatMul";
  const bool samples_first =
      !dense || (data_ == 0 && shape.size() > 1 && int_attribute(context_.node, "transA", 0) == 0);
  if (samples_first && !shape.empty()) shape[0] = 1;
  return shape;
}

Var LinearView::product(Var x, Var w) const {
  if (elementwise_) return context_.b.mul(x, w);
  return context_.forward({{{data_, x}, {weight_, w}, {2, Var{}}}});
}

Var LinearView::adjoint(Var s) const {
  return elementwise_ ? context_.b.mul(w_, s) : context_.adjoint(s)[data_];
}

Var LinearView::adjoint(Var w, Var s) const {
  if (elementwise_) return context_.b.mul(w, s);
  return context_.adjoint(s, {{{weight_, w}, {2, Var{}}}})[data_];
}

}  // namespace onnxray
