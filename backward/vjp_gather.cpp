#include "backward/vjp.h"

namespace onnxray {

void vjp_gather(const VjpContext& context, const Gather& p) {
  if (!context.wants(0)) return;
  const Var x = context.x(0);
  const int64_t extent = context.b.shape(x)[static_cast<size_t>(p.axis)];
  context.send(x, context.b.gather_adjoint(context.cotangents[0], context.x(1), p.axis, extent));
}

void vjp_gather(const VjpContext& context, const GatherAdjoint& p) {
  if (context.wants(0))
    context.send(context.x(0), context.b.gather(context.cotangents[0], context.x(1), p.axis));
}

void vjp_gather(const VjpContext& context, const GatherElements& p) {
  if (!context.wants(0)) return;
  Builder& b = context.b;
  const Var x = context.x(0);
  const Var zeros = b.filled(0, b.shape(x), b.dtype(x));
  context.send(
      x, b.scatter_elements(ScatterElements::Kind::add, zeros, context.x(1), context.cotangents[0], p.axis));
}

namespace {

/// A place gets what lies there and every update that names it: x's cotangent and the updates'.
struct Shares {
  Var x, updates;
};

/// y = max or min: the entries that equal it get g in equal parts, as PyTorch has it.
Shares shares_of_extreme(const VjpContext& context, int64_t axis) {
  Builder& b = context.b;
  const Var x = context.x(0), index = context.x(1), updates = context.x(2), g = context.cotangents[0];
  const auto real = [&](Var won) { return b.cast(won, b.dtype(g)); };
  const Var x_won = b.equal(x, context.y()),
            update_won = b.equal(updates, b.gather_elements(context.y(), index, axis));
  const Var winners =
      b.scatter_elements(ScatterElements::Kind::add, real(x_won), index, real(update_won), axis);
  const Var part = b.div(g, winners), none = b.scalar(0, b.dtype(g));
  return {b.select(x_won, part, none), b.select(update_won, b.gather_elements(part, index, axis), none)};
}

/// y = the product at each place. The slope in a factor is the product of the others: a factor that is 0 has
/// one where it is the only one.
Shares shares_of_product(const VjpContext& context, int64_t axis) {
  Builder& b = context.b;
  const Var x = context.x(0), index = context.x(1), updates = context.x(2), g = context.cotangents[0];
  const DType type = b.dtype(g);
  const Var zero = b.scalar(0, type), one = b.scalar(1, type);
  const auto zeros_in = [&](Var v) { return b.equal(v, 0.0); };
  const auto without_zeros = [&](Var v) { return b.select(zeros_in(v), one, v); };
  const Var rest =
      b.scatter_elements(ScatterElements::Kind::mul, without_zeros(x), index, without_zeros(updates), axis);
  const Var zeros = b.scatter_elements(ScatterElements::Kind::add, b.cast(zeros_in(x), type), index,
                                       b.cast(zeros_in(updates), type), axis);
  const Var of_others = b.mul(g, b.select(zeros, zero, rest)),
            of_only_zero = b.mul(g, b.select(b.equal(zeros, 1.0), rest, zero));
  const auto share = [&](Var factor, auto at_factor) {
    return b.select(zeros_in(factor), at_factor(of_only_zero),
                    b.div(at_factor(of_others), without_zeros(factor)));
  };
  return {share(x, [](Var v) { return v; }),
          share(updates, [&](Var v) { return b.gather_elements(v, index, axis); })};
}

Shares shares_of(const VjpContext& context, const ScatterElements& p) {
  Builder& b = context.b;
  const Var index = context.x(1), updates = context.x(2), g = context.cotangents[0];
  switch (p.kind) {
    case ScatterElements::Kind::replace: {
      const Var zeros = b.filled(0, b.shape(updates), b.dtype(updates));
      return {b.scatter_elements(ScatterElements::Kind::replace, g, index, zeros, p.axis),
              b.gather_elements(g, index, p.axis)};
    }
    case ScatterElements::Kind::add: return {g, b.gather_elements(g, index, p.axis)};
    case ScatterElements::Kind::min:
    case ScatterElements::Kind::max: return shares_of_extreme(context, p.axis);
    case ScatterElements::Kind::mul: return shares_of_product(context, p.axis);
  }
  return {};
}

}  // namespace

void vjp_gather(const VjpContext& context, const ScatterElements& p) {
  const Shares shares = shares_of(context, p);
  if (context.wants(0)) context.send(context.x(0), shares.x);
  if (context.wants(2)) context.send(context.x(2), shares.updates);
}

}  // namespace onnxray
