#include <algorithm>
#include <numeric>

#include "backward/vjp.h"

namespace onnxray {

namespace {

/// 1 at the first winner of each reduction, else 0, in x's shape. The reduced axes are flattened into one, so
/// that a single index names the winner.
Var first_winner(Builder& b, Var x, const Reduce& p) {
  std::vector<int64_t> kept_first;
  const auto reduced = [&](int64_t axis) { return std::ranges::binary_search(p.axes, axis); };
  for (int64_t i = 0; i < static_cast<int64_t>(b.rank(x)); ++i) {
    if (!reduced(i)) kept_first.push_back(i);
  }
  const auto kept = kept_first.size();
  kept_first.insert(kept_first.end(), p.axes.begin(), p.axes.end());
  const Var moved = b.transpose(x, kept_first);
  const Shape shape = b.shape(moved);
  Shape flat(shape.begin(), shape.begin() + static_cast<int64_t>(kept));
  flat.push_back(count_between(shape, kept, shape.size()));

  const Var winner = b.arg_reduce(b.reshape(moved, flat), -1, p.kind == Reduce::Kind::max);
  std::vector<int64_t> places(static_cast<size_t>(flat.back()));
  std::iota(places.begin(), places.end(), 0);
  const Var is_winner = b.equal(b.constant(Tensor::of<int64_t>({flat.back()}, places)), winner);

  std::vector<int64_t> back(kept_first.size());
  for (size_t i = 0; i < back.size(); ++i) back[static_cast<size_t>(kept_first[i])] = static_cast<int64_t>(i);
  return b.transpose(b.reshape(is_winner, shape), back);
}

/// d(prod x)/dx_i = product of the others, without dividing by a zero x_i.
Var product_of_others(Builder& b, Var x, Var y, const Reduce& p) {
  const Var is_zero = b.equal(x, 0.0);
  const Var zeros = b.sum(b.cast(is_zero, b.dtype(x)), p.axes);
  const Var one = b.scalar(1, b.dtype(x)), none = b.scalar(0, b.dtype(x));
  const Var without_zeros = b.select(is_zero, one, x);
  const Var rest = b.reduce(Reduce::Kind::prod, without_zeros, p.axes);
  const Var at_zero = b.select(b.equal(zeros, 1.0), rest, none);
  return b.select(is_zero, at_zero, b.div(y, without_zeros));
}

}  // namespace

void vjp_reduce(const VjpContext& context, const Reduce& p) {
  if (!context.wants(0)) return;
  Builder& b = context.b;
  const Var x = context.x(0), g = context.cotangents[0];
  switch (p.kind) {
    case Reduce::Kind::sum: return context.send(x, b.broadcast(g, b.shape(x)));
    case Reduce::Kind::max:
    case Reduce::Kind::min:
      return context.send(x, b.select(first_winner(b, x, p), g, b.scalar(0, b.dtype(g))));
    case Reduce::Kind::prod: return context.send(x, b.mul(g, product_of_others(b, x, context.y(), p)));
  }
}

void vjp_reduce(const VjpContext& context, const Softmax& p) {
  if (!context.wants(0)) return;
  Builder& b = context.b;
  const Var y = context.y(), g = context.cotangents[0];
  // A row of -inf, masked as a whole, is NaN. Where all of its g are 0, a mask has taken it out again.
  const bool may_be_nan = context.is_infinite(y);
  if (p.logarithm) {
    const Var share = b.mul(b.exp(y), b.sum(g, {p.axis}));
    const auto arrived = [&] { return b.reduce(Reduce::Kind::max, b.abs(g), {p.axis}); };
    return context.send(context.x(0), b.sub(g, may_be_nan ? where_arrived(b, arrived(), share) : share));
  }
  const auto times_y = [&](Var v) { return may_be_nan ? where_arrived(b, v, b.mul(y, v)) : b.mul(y, v); };
  context.send(context.x(0), times_y(b.sub(g, b.sum(times_y(g), {p.axis}))));
}

void vjp_reduce(const VjpContext& context, const CumSum& p) {
  if (context.wants(0))
    context.send(context.x(0), context.b.cum_sum(context.cotangents[0], p.axis, p.exclusive, !p.reverse));
}

}  // namespace onnxray
