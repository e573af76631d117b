#include <utility>

#include "backward/vjp.h"

namespace onnxray {

namespace {

/// The sum over every axis but the channels.
Var sum_to_channels(Builder& b, Var g) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < b.rank(g); ++i) {
    if (i != 1) axes.push_back(static_cast<int64_t>(i));
  }
  return b.reshape(b.sum(g, axes), {b.shape(g)[1]});
}

/// A factor of y = op(a) op(m) without the rows (of op(a)) or columns (of op(m)) for which nothing arrived:
/// one that is masked as a whole may be NaN, and 0 * NaN would spread over every entry of the other's share.
Var without_masked(const VjpContext& context, size_t factor, bool is_transposed) {
  Builder& b = context.b;
  const Var v = context.x(factor), g = context.cotangents[0];
  if (!context.is_infinite(v) || b.rank(v) < b.rank(g)) return v;
  const Var arrived = b.reduce(Reduce::Kind::max, b.abs(g), {factor == 0 ? -1 : -2});
  Shape shape = b.shape(arrived);
  if (is_transposed) std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return where_arrived(b, b.reshape(arrived, shape), v);
}

}  // namespace

// Convolution y(x, w), its adjoint in x, x(g, w), and its adjoint in w, w(x, g), are three faces of one
// trilinear form <g, conv(x, w)>: each one's VJP is the other two.

void vjp_linear(const VjpContext& context, const Convolution& p) {
  Builder& b = context.b;
  const Var x = context.x(0), w = context.x(1), g = context.cotangents[0];
  if (context.wants(0)) context.send(x, b.convolution_input(g, w, p.window, p.groups, b.shape(x)));
  if (context.wants(1)) context.send(w, b.convolution_weight(x, g, p.window, p.groups, b.shape(w)));
  if (context.wants(2)) context.send(context.x(2), sum_to_channels(b, g));
}

void vjp_linear(const VjpContext& context, const ConvolutionInput& p) {
  Builder& b = context.b;
  const Var g = context.x(0), w = context.x(1), x = context.cotangents[0];
  if (context.wants(0)) context.send(g, b.convolution(x, w, {}, p.window, p.groups));
  if (context.wants(1)) context.send(w, b.convolution_weight(x, g, p.window, p.groups, b.shape(w)));
}

void vjp_linear(const VjpContext& context, const ConvolutionWeight& p) {
  Builder& b = context.b;
  const Var x = context.x(0), g = context.x(1), w = context.cotangents[0];
  if (context.wants(0)) context.send(x, b.convolution_input(g, w, p.window, p.groups, b.shape(x)));
  if (context.wants(1)) context.send(g, b.convolution(x, w, {}, p.window, p.groups));
}

void vjp_linear(const VjpContext& context, const MatMul& p) {
  Builder& b = context.b;
  const bool ta = p.transpose_a, tb = p.transpose_b;
  const Var a = context.x(0), m = context.x(1), g = context.cotangents[0];
  // y = op(a) op(m):  d op(a) = g op(m)^T,  d op(m) = op(a)^T g
  if (context.wants(0)) {
    const Var other = without_masked(context, 1, tb);
    const Var share = ta ? b.matmul(other, g, tb, true) : b.matmul(g, other, false, !tb);
    context.send(a, b.sum_to_shape(share, b.shape(a)));
  }
  if (context.wants(1)) {
    const Var other = without_masked(context, 0, ta);
    const Var share = tb ? b.matmul(g, other, true, ta) : b.matmul(other, g, !ta, false);
    context.send(m, b.sum_to_shape(share, b.shape(m)));
  }
  if (context.wants(2)) context.send(context.x(2), b.sum_to_shape(g, b.shape(context.x(2))));
}

}  // namespace onnxray
