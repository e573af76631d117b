#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// What a reduction runs over, from the node's attributes and inputs.
struct Reduction {
  std::vector<int64_t> axes;
  bool keep = true;
  bool over_nothing = false;  ///< noop_with_empty_axes: each element is its own set
};

Reduction reduction_of(const LowerContext& ctx) {
  Reduction r{.axes = named_axes(ctx, 1), .keep = ctx.int_attr("keepdims", 1) != 0, .over_nothing = false};
  if (ctx.shape(0).empty()) r.axes.clear();  // a scalar may be reduced; there is nothing to name
  r.over_nothing = r.axes.empty() && ctx.int_attr("noop_with_empty_axes", 0) != 0;
  return r;
}

Var reduce_over(LowerContext& ctx, const Reduction& r, Reduce::Kind kind, Var x) {
  return r.over_nothing ? x : ctx.b.reduce(kind, x, r.axes, r.keep);
}

Var sum_over(LowerContext& ctx, const Reduction& r, Var x) {
  return reduce_over(ctx, r, Reduce::Kind::sum, x);
}

/// Integers take square roots and logarithms as float32 and are truncated afterwards.
Var as_real(LowerContext& ctx, Var x) { return is_floating(ctx.b.dtype(x)) ? x : ctx.b.cast(x, DType::f32); }

void lower_reduce_sum(LowerContext& ctx) { ctx.set(0, sum_over(ctx, reduction_of(ctx), ctx.input(0))); }

void lower_reduce_prod(LowerContext& ctx) {
  ctx.set(0, reduce_over(ctx, reduction_of(ctx), Reduce::Kind::prod, ctx.input(0)));
}

void lower_reduce_mean(LowerContext& ctx) {
  const Reduction r = reduction_of(ctx);
  ctx.set(0, r.over_nothing ? ctx.input(0) : ctx.b.mean(ctx.input(0), r.axes, r.keep));
}

/// Booleans are reduced as 0 and 1: any (max) and all (min).
void lower_extremum(LowerContext& ctx, Reduce::Kind kind) {
  const DType type = ctx.b.dtype(ctx.input(0));
  const Reduction r = reduction_of(ctx);
  if (type != DType::boolean) return ctx.set(0, reduce_over(ctx, r, kind, ctx.input(0)));
  const Var y = reduce_over(ctx, r, kind, ctx.b.cast(ctx.input(0), DType::i64));
  const bool over_empty_set = element_count(ctx.shape(0)) == 0;
  ctx.set(0, over_empty_set ? ctx.b.filled(kind == Reduce::Kind::min ? 1 : 0, ctx.b.shape(y), type)
                            : ctx.b.cast(y, type));
}

void lower_reduce_max(LowerContext& ctx) { lower_extremum(ctx, Reduce::Kind::max); }
void lower_reduce_min(LowerContext& ctx) { lower_extremum(ctx, Reduce::Kind::min); }

void lower_reduce_l1(LowerContext& ctx) {
  ctx.set(0, sum_over(ctx, reduction_of(ctx), ctx.b.abs(ctx.input(0))));
}

void lower_reduce_sum_square(LowerContext& ctx) {
  const Var x = ctx.input(0);
  ctx.set(0, sum_over(ctx, reduction_of(ctx), ctx.b.mul(x, x)));
}

/// The root of a sum of squares. Where that is 0 it gets slope 0, the subgradient that PyTorch takes: the
/// infinite slope of the root would make the gradient NaN.
void lower_reduce_l2(LowerContext& ctx) {
  Builder& b = ctx.b;
  const Var x = as_real(ctx, ctx.input(0));
  const Var total = sum_over(ctx, reduction_of(ctx), b.mul(x, x));
  const Var empty = b.equal(total, 0.0);
  const Var root = b.sqrt(b.select(empty, b.scalar(1, b.dtype(total)), total));
  const Var norm = b.select(empty, b.scalar(0, b.dtype(total)), root);
  ctx.set(0, b.cast(norm, b.dtype(ctx.input(0))));
}

void lower_reduce_log_sum(LowerContext& ctx) {
  const Var total = sum_over(ctx, reduction_of(ctx), as_real(ctx, ctx.input(0)));
  ctx.set(0, ctx.b.cast(ctx.b.unary(Opcode::log, total), ctx.b.dtype(ctx.input(0))));
}

// log sum exp(x) = m + log sum exp(x - m) with m = max x, or 0 where that is infinite (inf - inf is NaN).
// Where nothing is summed (all x are -inf) the sum is 0 and its logarithm steep without end: it gets slope 0.
void lower_reduce_log_sum_exp(LowerContext& ctx) {
  Builder& b = ctx.b;
  const Reduction r = reduction_of(ctx);
  const Var x = as_real(ctx, ctx.input(0));
  const DType type = b.dtype(x);
  const Reduction kept{.axes = r.axes, .keep = true, .over_nothing = r.over_nothing};
  const Var top = reduce_over(ctx, kept, Reduce::Kind::max, x);
  const Var m = b.select(b.unary(Opcode::is_inf, top), b.scalar(0, type), top);
  const Var total = sum_over(ctx, kept, b.exp(b.sub(x, m))), empty = b.equal(total, 0.0);
  const Var log_sum = b.unary(Opcode::log, b.select(empty, b.scalar(1, type), total));
  const Var y = b.select(empty, b.scalar(-std::numeric_limits<double>::infinity(), type), b.add(log_sum, m));
  const Var shaped =
      r.keep || r.over_nothing ? y : b.sum(y, r.axes, false);  // over axes of extent 1: a reshape
  ctx.set(0, b.cast(shaped, b.dtype(ctx.input(0))));
}

void lower_arg(LowerContext& ctx, bool largest) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", 0), ctx.shape(0).size());
  const Var index = ctx.b.arg_reduce(ctx.input(0), axis, largest, ctx.int_attr("select_last_index", 0) != 0);
  Shape dropped = ctx.b.shape(index);
  dropped.erase(dropped.begin() + axis);
  ctx.set(0, ctx.int_attr("keepdims", 1) != 0 ? index : ctx.b.reshape(index, dropped));
}

void lower_arg_max(LowerContext& ctx) { lower_arg(ctx, true); }
void lower_arg_min(LowerContext& ctx) { lower_arg(ctx, false); }

void lower_cum_sum(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_constant(1, "axis"), ctx.shape(0).size());
  const bool exclusive = ctx.int_attr("exclusive", 0) != 0, reverse = ctx.int_attr("reverse", 0) != 0;
  ctx.set(0, ctx.b.cum_sum(ctx.input(0), axis, exclusive, reverse));
}

int64_t top_k_count(const LowerContext& ctx) {
  return ctx.version < 10 ? ctx.int_attr("k", 0) : ctx.int_constant(1, "k");
}

void lower_top_k(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", -1), ctx.shape(0).size());
  const Var indices = ctx.b.top_k(ctx.input(0), axis, top_k_count(ctx), ctx.int_attr("largest", 1) != 0);
  ctx.set(0, ctx.b.gather_elements(ctx.input(0), indices, axis));
  ctx.set(1, indices);
}

}  // namespace

std::vector<OpDef> reduce_ops() {
  using enum RelevanceClass;
  return {
      {"", "ReduceSum", {1, 11, 13}, lower_reduce_sum, sum, {1}},
      {"", "ReduceMean", {1, 11, 13, 18}, lower_reduce_mean, sum, {1}},
      {"", "ReduceMax", {1, 11, 12, 13, 18, 20}, lower_reduce_max, routing, {1}},
      {"", "ReduceMin", {1, 11, 12, 13, 18, 20}, lower_reduce_min, routing, {1}},
      {"", "ReduceProd", {1, 11, 13, 18}, lower_reduce_prod, sum, {1}},
      {"", "ReduceL1", {1, 11, 13, 18}, lower_reduce_l1, sum, {1}},
      {"", "ReduceL2", {1, 11, 13, 18}, lower_reduce_l2, sum, {1}},
      {"", "ReduceSumSquare", {1, 11, 13, 18}, lower_reduce_sum_square, sum, {1}},
      {"", "ReduceLogSum", {1, 11, 13, 18, 28}, lower_reduce_log_sum, sum, {1}},
      {"", "ReduceLogSumExp", {1, 11, 13, 18, 28}, lower_reduce_log_sum_exp, sum, {1}},
      {"", "ArgMax", {1, 11, 12, 13}, lower_arg_max, none},
      {"", "ArgMin", {1, 11, 12, 13}, lower_arg_min, none},
      {"", "CumSum", {11, 14}, lower_cum_sum, sum, {1}},
      {"", "TopK", {1, 10, 11, 24}, lower_top_k, routing, {1}},
  };
}

}  // namespace onnxray
