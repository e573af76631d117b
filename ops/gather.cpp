#include <algorithm>
#include <numeric>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// 0, 1, ..., n-1 along `axis` of a tensor of `rank`, which has extent 1 elsewhere.
Var counter(LowerContext& ctx, int64_t n, size_t axis, size_t rank) {
  std::vector<int64_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  Shape shape(rank, 1);
  shape[axis] = n;
  return ctx.b.constant(Tensor::of<int64_t>(shape, values));
}

/// Indices that count from the end, made positive.
Var wrapped(LowerContext& ctx, Var index, int64_t extent) {
  return ctx.b.select(ctx.b.less(index, 0.0), ctx.b.add(index, static_cast<double>(extent)), index);
}

/// One known place is a slice: unrolled loops write their steps so, and adjoints of slices can be joined.
bool lower_to_slice(LowerContext& ctx, int64_t axis) {
  const Tensor* index = ctx.b.constant(ctx.input(1));
  if (!index || index->size() != 1) return false;
  const Shape x = ctx.shape(0);
  const auto a = static_cast<size_t>(axis);
  int64_t at = index->as_int64(0);
  if (at < 0) at += x[a];
  require(at >= 0 && at < x[a], ErrorCode::bad_file, "index {} is outside axis {} of {}", index->as_int64(0),
          axis, to_string(x));
  Shape out(x.begin(), x.begin() + axis);
  out.insert(out.end(), index->shape().begin(), index->shape().end());
  out.insert(out.end(), x.begin() + axis + 1, x.end());
  ctx.set(0, ctx.b.reshape(ctx.b.slice_axis(ctx.input(0), axis, at, at + 1), out));
  return true;
}

void lower_gather(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", 0), ctx.shape(0).size());
  if (lower_to_slice(ctx, axis)) return;
  ctx.set(0, ctx.b.gather(ctx.input(0), ctx.input(1), axis));
}

void lower_gather_elements(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", 0), ctx.shape(0).size());
  ctx.set(0, ctx.b.gather_elements(ctx.input(0), ctx.input(1), axis));
}

/// How index tuples [..., k] address a tensor whose axes [0, batch) they share.
struct TupleIndex {
  size_t batch = 0, last = 0;    ///< tuples address axes [batch, last)
  int64_t places = 1, slab = 1;  ///< extents of [0, last) and of the rest
  Var linear;  ///< the row-major place in [0, places), of the index's shape without its last axis
};

// The place that a tuple names among the addressed axes, plus the start of each batch entry.
TupleIndex linear_index(LowerContext& ctx, const Shape& data, Var tuples, size_t batch) {
  Builder& b = ctx.b;
  const Shape shape = b.shape(tuples);
  require(!shape.empty() && batch < shape.size(), ErrorCode::bad_file, "indices {} with {} batch axes",
          to_string(shape), batch);
  const auto k = static_cast<size_t>(shape.back());
  TupleIndex result{.batch = batch, .last = batch + k, .places = 1, .slab = 1, .linear = {}};
  require(k > 0 && result.last <= data.size() &&
              std::equal(data.begin(), data.begin() + static_cast<int64_t>(batch), shape.begin()),
          ErrorCode::bad_file, "indices {} do not address a tensor {}", to_string(shape), to_string(data));
  result.places = count_between(data, 0, result.last);
  result.slab = count_between(data, result.last, data.size());
  result.linear = b.ravel_index(
      tuples, {data.begin() + static_cast<int64_t>(batch), data.begin() + static_cast<int64_t>(result.last)});
  for (size_t i = 0; i < batch; ++i) {
    const Var start = b.mul(counter(ctx, data[i], i, shape.size() - 1),
                            static_cast<double>(count_between(data, i + 1, result.last)));
    result.linear = b.add(result.linear, start);
  }
  return result;
}

void lower_gather_nd(LowerContext& ctx) {
  const Shape data = ctx.shape(0);
  const int64_t batch = ctx.int_attr("batch_dims", 0);
  require(batch >= 0 && batch < static_cast<int64_t>(data.size()), ErrorCode::bad_file,
          "batch_dims {} of a tensor {}", batch, to_string(data));
  const TupleIndex at = linear_index(ctx, data, ctx.input(1), static_cast<size_t>(batch));
  Shape out = ctx.b.shape(at.linear);
  out.insert(out.end(), data.begin() + static_cast<int64_t>(at.last), data.end());
  const Var rows = ctx.b.reshape(ctx.input(0), {at.places, at.slab});
  ctx.set(0, ctx.b.reshape(ctx.b.gather(rows, at.linear, 0), out));
}

ScatterElements::Kind scatter_kind(const LowerContext& ctx) {
  using enum ScatterElements::Kind;
  const std::string reduction = ctx.string_attr("reduction", "none");
  if (reduction == "none") return replace;
  if (reduction == "add") return add;
  if (reduction == "mul") return mul;
  if (reduction == "max") return max;
  require(reduction == "min", ErrorCode::bad_file,
          "its reduction must be none, add, mul, max or min, not '{}'", reduction);
  return min;
}

void lower_scatter_elements(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", 0), ctx.shape(0).size());
  ctx.set(0, ctx.b.scatter_elements(scatter_kind(ctx), ctx.input(0), ctx.input(1), ctx.input(2), axis));
}

void lower_scatter_nd(LowerContext& ctx) {
  Builder& b = ctx.b;
  const Shape data = ctx.shape(0);
  const TupleIndex at = linear_index(ctx, data, ctx.input(1), 0);
  const int64_t n = element_count(b.shape(at.linear));
  Shape expected = b.shape(at.linear);
  expected.insert(expected.end(), data.begin() + static_cast<int64_t>(at.last), data.end());
  require(ctx.shape(2) == expected, ErrorCode::bad_file, "updates {} where {} is needed",
          to_string(ctx.shape(2)), to_string(expected));
  const Var index = b.broadcast(b.reshape(at.linear, {n, 1}), {n, at.slab});
  const Var rows = b.reshape(ctx.input(0), {at.places, at.slab});
  const Var written =
      b.scatter_elements(scatter_kind(ctx), rows, index, b.reshape(ctx.input(2), {n, at.slab}), 0);
  ctx.set(0, b.reshape(written, data));
}

// y = on where the index (wrapped once) equals the place along the new axis, else off.
void lower_one_hot(LowerContext& ctx) {
  Builder& b = ctx.b;
  const int64_t depth = ctx.int_constant(1, "depth", {0, kExtent.highest});
  require(ctx.shape(2) == Shape{2}, ErrorCode::bad_file, "its values must be [off, on], not a tensor {}",
          to_string(ctx.shape(2)));
  const size_t rank = ctx.shape(0).size() + 1;
  const int64_t axis = normalise_axis(ctx.int_attr("axis", -1), rank);
  Shape spread = ctx.shape(0);
  spread.insert(spread.begin() + axis, 1);
  const Var index = b.reshape(wrapped(ctx, b.cast(ctx.input(0), DType::i64), depth), spread);
  const Var hit = b.equal(index, counter(ctx, depth, static_cast<size_t>(axis), rank));
  const auto value = [&](int64_t i) {
    const Tensor* known = b.constant(ctx.input(2));
    if (known == nullptr || !is_floating(known->dtype()))
      return b.reshape(b.slice_axis(ctx.input(2), 0, i, i + 1), {});
    return b.scalar(known->as_double(i), known->dtype());
  };
  ctx.set(0, b.select(hit, value(1), value(0)));
}

/// A [rows, columns] tensor that says where column - row satisfies `keep`.
template <class Keep>
Tensor diagonal_mask(int64_t rows, int64_t columns, DType dtype, Keep keep) {
  std::vector<uint8_t> mask;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) mask.push_back(keep(j - i) ? 1 : 0);
  }
  return Tensor::of<uint8_t>({rows, columns}, mask).to(dtype);
}

void lower_trilu(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  require(shape.size() >= 2, ErrorCode::bad_file, "needs a matrix or a stack of them, not {}",
          to_string(shape));
  const int64_t k = ctx.has(1) ? ctx.int_constant(1, "k", kAnyInteger) : 0;
  const bool upper = ctx.int_attr("upper", 1) != 0;
  const Tensor mask = diagonal_mask(shape[shape.size() - 2], shape.back(), DType::boolean,
                                    [&](int64_t d) { return upper ? d >= k : d <= k; });
  const Var x = ctx.input(0);
  ctx.set(0, ctx.b.select(ctx.b.constant(mask), x, ctx.b.scalar(0, ctx.b.dtype(x))));
}

void lower_eye_like(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  require(shape.size() == 2, ErrorCode::bad_file, "needs a matrix, not {}", to_string(shape));
  const DType dtype =
      ctx.has_attr("dtype") ? dtype_from_number(ctx.int_attr("dtype", 1)) : ctx.b.dtype(ctx.input(0));
  const int64_t k = ctx.int_attr("k", 0, kAnyInteger);
  ctx.set(0, ctx.b.constant(diagonal_mask(shape[0], shape[1], dtype, [&](int64_t d) { return d == k; })));
}

// y[t] = x[length - 1 - t] inside each sequence, x[t] behind its end.
void lower_reverse_sequence(LowerContext& ctx) {
  Builder& b = ctx.b;
  const Shape shape = ctx.shape(0);
  const auto time = static_cast<size_t>(normalise_axis(ctx.int_attr("time_axis", 0), shape.size()));
  const auto batch = static_cast<size_t>(normalise_axis(ctx.int_attr("batch_axis", 1), shape.size()));
  require(time != batch && ctx.shape(1) == Shape{shape[batch]}, ErrorCode::bad_file,
          "sequence lengths {} for a tensor {} with batch axis {} and time axis {}", to_string(ctx.shape(1)),
          to_string(shape), batch, time);
  Shape per_sequence(shape.size(), 1);
  per_sequence[batch] = shape[batch];
  const Var length = b.reshape(b.cast(ctx.input(1), DType::i64), per_sequence);
  const Var t = counter(ctx, shape[time], time, shape.size());
  const Var index = b.select(b.less(t, length), b.sub(b.sub(length, 1.0), t), t);
  ctx.set(0, b.gather_elements(ctx.input(0), b.broadcast(index, shape), static_cast<int64_t>(time)));
}

}  // namespace

std::vector<OpDef> gather_ops() {
  using enum RelevanceClass;
  return {
      {"", "Gather", {1, 11, 13}, lower_gather, routing},
      {"", "GatherElements", {11, 13}, lower_gather_elements, routing},
      {"", "GatherND", {11, 12, 13}, lower_gather_nd, routing},
      may_add({"", "ScatterElements", {11, 13, 16, 18}, lower_scatter_elements, routing}),
      {"", "Scatter", {9, 11}, lower_scatter_elements, routing},
      may_add({"", "ScatterND", {11, 13, 16, 18}, lower_scatter_nd, routing}),
      {"", "OneHot", {9, 11, 28}, lower_one_hot, none, {1}},
      {"", "Trilu", {14}, lower_trilu, routing, {1}},
      {"", "EyeLike", {9, 22}, lower_eye_like, none},
      {"", "ReverseSequence", {10, 28}, lower_reverse_sequence, routing},
  };
}

}  // namespace onnxray
