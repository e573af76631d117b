#include "ops/quantisation_grid.h"

#include "core/checked.h"
#include "ops/families.h"

namespace onnxray {

Var spread(LowerContext& c, Var s, const Shape& shape) {
  Builder& b = c.b;
  const int64_t block = c.int_attr("block_size", 0);
  const Shape own = b.shape(s);
  if (block == 0 && element_count(own) == 1) return b.reshape(s, {});
  const auto axis = static_cast<size_t>(normalise_axis(c.int_attr("axis", 1), shape.size()));
  if (block == 0) {
    require(own == Shape{shape[axis]}, ErrorCode::bad_file, "a scale {} for axis {} of a tensor {}",
            to_string(own), axis, to_string(shape));
    Shape target(shape.size(), 1);
    target[axis] = shape[axis];
    return b.reshape(s, target);
  }
  require(block > 0 && own.size() == shape.size() && checked_product(own[axis] - 1, block) < shape[axis] &&
              checked_product(own[axis], block) >= shape[axis],
          ErrorCode::bad_file, "a scale {} for blocks of {} along axis {} of a tensor {}", to_string(own),
          block, axis, to_string(shape));
  const auto at = static_cast<int64_t>(axis);
  Shape apart = own, repeated = own, joined = own;
  apart.insert(apart.begin() + at + 1, 1);
  repeated.insert(repeated.begin() + at + 1, block);
  joined[axis] *= block;
  const Var whole = b.reshape(b.broadcast(b.reshape(s, apart), repeated), joined);
  return b.slice_axis(whole, at, 0, shape[axis]);
}

Var steps_of(LowerContext& c, Var x, Var scale, Var zero_point, Opcode rounding) {
  Builder& b = c.b;
  const Shape shape = b.shape(x);
  const Var rounded = b.unary(rounding, b.div(x, spread(c, scale, shape)));
  return zero_point ? b.add(rounded, b.cast(spread(c, zero_point, shape), b.dtype(x))) : rounded;
}

DynamicGrid dynamic_grid(Builder& b, Var x) {
  const Var low = b.min(b.reduce(Reduce::Kind::min, x, {}, false), 0.0),
            high = b.max(b.reduce(Reduce::Kind::max, x, {}, false), 0.0);
  const Var range = b.sub(high, low);
  const Var scale = b.select(b.equal(range, 0.0), b.scalar(1, b.dtype(x)), b.div(range, 255.0));
  const Var zero = b.min(b.max(b.unary(Opcode::round, b.div(b.neg(low), scale)), 0.0), 255.0);
  return {scale, zero};
}

namespace {

// The grid of a quantised value that is read as a real number: steps k = `low` to `high` stand for
// (k - zero) * scale + offset. Operands: x, scale[, zero][, offset]; a scale or zero point is one number or
// one for each place of `axis`, the offset broadcasts as in numpy.

Var zero_of(LowerContext& c, const Shape& shape, DType type) {
  return c.has(2) ? c.b.cast(spread(c, c.input(2), shape), type) : Var{};
}

Var from_offset(LowerContext& c, Var x) { return c.has(3) ? c.b.sub(x, c.input(3)) : x; }
Var to_offset(LowerContext& c, Var x) { return c.has(3) ? c.b.add(x, c.input(3)) : x; }

/// Cuts off what lies below the first step, with slope 0 there and 1 wherever x rounds to a step. For grids
/// that start at 0, where the cut is a rectifier of the net. The other ends of a range are the calibration's,
/// not the net's: RoundToGrid ends there too, with slope 1.
void lower_saturate(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  const DType type = b.dtype(x);
  const double low = c.float_attr("low", 0);
  const Var step = steps_of(c, from_offset(c, x), c.input(1), c.optional(2));
  const Var zero = zero_of(c, shape, type), first = b.scalar(low, type);
  const Var end = b.mul(zero ? b.sub(first, zero) : first, spread(c, c.input(1), shape));
  c.set(0, b.select(b.less(step, low), to_offset(c, end), x));
}

// y = (clip(round((x - offset) / scale) + zero) - zero) * scale + offset; without a scale on the grid that
// DynamicQuantizeLinear finds. `floor` rounds down.
void lower_round_to_grid(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  if (!c.has(1)) {
    const DynamicGrid grid = dynamic_grid(b, x);
    const Var steps = b.add(b.unary(Opcode::round, b.div(x, grid.scale)), grid.zero);
    return c.set(0, b.mul(b.sub(b.min(b.max(steps, 0.0), 255.0), grid.zero), grid.scale));
  }
  const Shape shape = b.shape(x);
  const Opcode rounding = c.int_attr("floor", 0) != 0 ? Opcode::floor : Opcode::round;
  const Var steps = steps_of(c, from_offset(c, x), c.input(1), c.optional(2), rounding);
  Var y = b.min(b.max(steps, c.float_attr("low", 0)), c.float_attr("high", 255));
  if (const Var zero = zero_of(c, shape, b.dtype(x))) y = b.sub(y, zero);
  c.set(0, to_offset(c, b.mul(y, spread(c, c.input(1), shape))));
}

}  // namespace

std::vector<OpDef> quantisation_grid_ops() {
  OpDef saturate{"onnxray", "Saturate", {1}, lower_saturate, RelevanceClass::activation};
  OpDef round{"onnxray", "RoundToGrid", {1}, lower_round_to_grid, RelevanceClass::activation};
  saturate.is_grid = round.is_grid = true;
  round.straight_through = true;
  return {std::move(saturate), std::move(round)};
}

}  // namespace onnxray
