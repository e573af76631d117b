#include <cmath>
#include <limits>
#include <numeric>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// [N, heads, L, size] from itself or from [N, L, heads * size].
Var split_heads(LowerContext& ctx, size_t i, const char* heads_attribute) {
  const Shape shape = ctx.shape(i);
  if (shape.size() == 4) return ctx.input(i);
  const int64_t heads = ctx.int_attr(heads_attribute, 0);
  require(shape.size() == 3 && heads > 0 && shape[2] % heads == 0, ErrorCode::bad_file,
          "input {} is {}: needs rank 4, or rank 3 with a width that {} = {} divides", i, to_string(shape),
          heads_attribute, heads);
  const Var split = ctx.b.reshape(ctx.input(i), {shape[0], shape[1], heads, shape[2] / heads});
  return ctx.b.transpose(split, {0, 2, 1, 3});
}

/// Appends what input `past` holds along the sequence axis, where there is one.
Var with_past(LowerContext& ctx, size_t past, Var x) {
  if (!ctx.has(past)) return x;
  const Var parts[] = {ctx.input(past), x};
  return ctx.b.concat(parts, 2);
}

/// Grouped queries: [h0, h0, ..., h1, h1, ...] from key or value heads [h0, h1, ...].
Var repeat_heads(LowerContext& ctx, Var x, int64_t heads) {
  const Shape s = ctx.b.shape(x);
  if (s[1] == heads) return x;
  require(s[1] > 0 && heads % s[1] == 0, ErrorCode::bad_file, "{} query heads cannot share {} key heads",
          heads, s[1]);
  const Var repeated =
      ctx.b.broadcast(ctx.b.reshape(x, {s[0], s[1], 1, s[2], s[3]}), {s[0], s[1], heads / s[1], s[2], s[3]});
  return ctx.b.reshape(repeated, {s[0], heads, s[2], s[3]});
}

/// The attributes and operands that decide which keys a query sees.
struct Masking {
  Shape scores;  ///< [N, heads, L, K]
  DType dtype = DType::f32;
  Var allowed;  ///< boolean, broadcastable to scores; unset: all
  Var bias;     ///< added to scores; unset: none
};

void allow(LowerContext& ctx, Masking& mask, Var condition) {
  mask.allowed = mask.allowed ? ctx.b.binary(Opcode::logical_and, mask.allowed, condition) : condition;
}

/// The operand attn_mask, its last axis filled up with what forbids.
void apply_operand(LowerContext& ctx, Masking& mask) {
  if (!ctx.has(3)) return;
  Builder& b = ctx.b;
  const bool boolean = b.dtype(ctx.input(3)) == DType::boolean;
  Shape wanted = ctx.shape(3);
  require(!wanted.empty() && wanted.back() <= mask.scores.back(), ErrorCode::bad_file,
          "attn_mask {} for scores {}", to_string(wanted), to_string(mask.scores));
  wanted.back() = mask.scores.back();
  const std::vector<int64_t> starts(wanted.size(), 0), steps(wanted.size(), 1);
  const Var operand = b.place(ctx.input(3), starts, steps, wanted, boolean ? 0 : -kInfinity);
  if (boolean) return allow(ctx, mask, operand);
  mask.bias = operand;
  allow(ctx, mask, b.less(-kInfinity, operand));
}

Var counter(LowerContext& ctx, int64_t n, Shape shape) {
  std::vector<int64_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return ctx.b.constant(Tensor::of<int64_t>(std::move(shape), values));
}

/// Causality and windows compare the key's place with the query's, which starts behind the past; and keys
/// behind nonpad_kv_seqlen are padding.
void apply_places(LowerContext& ctx, Masking& mask) {
  Builder& b = ctx.b;
  const int64_t queries = mask.scores[2], keys = mask.scores[3];
  const int64_t left = ctx.int_attr("left_window_size", -1), right = ctx.int_attr("right_window_size", -1);
  const Var j = counter(ctx, keys, {1, 1, 1, keys});
  Var i = counter(ctx, queries, {1, 1, queries, 1});
  if (ctx.has(6)) {
    const Var lengths = b.reshape(b.cast(ctx.input(6), DType::i64), {element_count(ctx.shape(6)), 1, 1, 1});
    allow(ctx, mask, b.less(j, lengths));
    i = b.add(i, b.sub(lengths, static_cast<double>(queries)));
  } else if (ctx.has(4)) {
    i = b.add(i, static_cast<double>(ctx.shape(4).at(2)));
  }
  if (ctx.int_attr("is_causal", 0) != 0) allow(ctx, mask, b.less_equal(j, i));
  if (left >= 0) allow(ctx, mask, b.less_equal(b.sub(i, j), static_cast<double>(left)));
  if (right >= 0) allow(ctx, mask, b.less_equal(b.sub(j, i), static_cast<double>(right)));
}

/// A query that sees no key gets weights 0. Its scores are all -inf, whose softmax would be NaN.
Var masked_softmax(LowerContext& ctx, const Masking& mask, Var scores) {
  Builder& b = ctx.b;
  if (!mask.allowed) return b.softmax(scores, -1);
  const Var any = b.reduce(Reduce::Kind::max, b.cast(mask.allowed, DType::i64), {-1});
  const Var zero = b.scalar(0, mask.dtype);
  return b.select(any, b.softmax(b.select(any, scores, zero), -1), zero);
}

// y = softmax(cap(scale q k^T) + bias) v
void lower_attention(LowerContext& ctx) {
  Builder& b = ctx.b;
  require(ctx.has(4) == ctx.has(5), ErrorCode::bad_file, "past_key and past_value must be given together");
  const Var q = split_heads(ctx, 0, "q_num_heads");
  const Var k = with_past(ctx, 4, split_heads(ctx, 1, "kv_num_heads"));
  const Var v = with_past(ctx, 5, split_heads(ctx, 2, "kv_num_heads"));
  const int64_t heads = b.shape(q)[1], mode = ctx.int_attr("qk_matmul_output_mode", 0);
  const double scale = ctx.float_attr("scale", 1 / std::sqrt(static_cast<double>(b.shape(q)[3])));
  const double cap = ctx.float_attr("softcap", 0);

  // The scale is applied to q: k may be long.
  const Var raw = b.matmul(b.mul(q, scale), repeat_heads(ctx, k, heads), false, true);
  const Var capped = cap > 0 ? b.mul(b.unary(Opcode::tanh, b.div(raw, cap)), cap) : raw;
  Masking mask{.scores = b.shape(raw), .dtype = b.dtype(raw), .allowed = {}, .bias = {}};
  apply_operand(ctx, mask);
  apply_places(ctx, mask);
  const Var biased = mask.bias ? b.add(capped, mask.bias) : capped;
  const Var scores = mask.allowed ? b.select(mask.allowed, biased, b.scalar(-kInfinity, mask.dtype)) : biased;
  const Var weights = masked_softmax(ctx, mask, scores);
  Var y = b.matmul(weights, repeat_heads(ctx, v, heads));
  if (ctx.shape(0).size() == 3) {
    const Shape s = b.shape(y);
    y = b.reshape(b.transpose(y, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
  }
  require(mode >= 0 && mode <= 3, ErrorCode::bad_file, "its qk_matmul_output_mode must be 0 to 3, not {}",
          mode);
  const Var stages[] = {raw, capped, scores, weights};
  ctx.set(0, y);
  ctx.set(1, k);
  ctx.set(2, v);
  ctx.set(3, stages[mode]);
}

/// The rows of a [positions, half] table at position_ids, or a [N, L, half] table itself, as [N, 1, L, half].
Var rotation_table(LowerContext& ctx, size_t i) {
  const Var rows = ctx.has(3) ? ctx.b.gather(ctx.input(i), ctx.input(3), 0) : ctx.input(i);
  const Shape s = ctx.b.shape(rows);
  require(s.size() == 3, ErrorCode::bad_file,
          "input {} must be [N, L, half], or [positions, half] with position_ids", i);
  return ctx.b.reshape(rows, {s[0], 1, s[1], s[2]});
}

// (real, imag) = (cos x1 - sin x2, sin x1 + cos x2) over pairs (x1, x2) of the first `rotated` features.
void lower_rotary_embedding(LowerContext& ctx) {
  Builder& b = ctx.b;
  const Shape original = ctx.shape(0);
  const Var x = split_heads(ctx, 0, "num_heads");
  const Shape s = b.shape(x);
  const int64_t size = s[3], asked = ctx.int_attr("rotary_embedding_dim", 0),
                rotated = asked > 0 ? asked : size, half = rotated / 2;
  require(rotated <= size && rotated % 2 == 0, ErrorCode::bad_file, "cannot rotate {} of {} features",
          rotated, size);
  const bool interleaved = ctx.int_attr("interleaved", 0) != 0;
  // Pairs stand side by side (.., half, 2) or half a row apart (.., 2, half).
  const int64_t pair_axis = interleaved ? 4 : 3;
  const Var pairs = b.reshape(b.slice_axis(x, 3, 0, rotated), interleaved ? Shape{s[0], s[1], s[2], half, 2}
                                                                          : Shape{s[0], s[1], s[2], 2, half});
  const auto member = [&](int64_t i) {
    return b.reshape(b.slice_axis(pairs, pair_axis, i, i + 1), {s[0], s[1], s[2], half});
  };
  const Var x1 = member(0), x2 = member(1), cos = rotation_table(ctx, 1), sin = rotation_table(ctx, 2);
  Shape single{s[0], s[1], s[2], half, half};
  single[static_cast<size_t>(pair_axis)] = 1;
  const Var turned[] = {b.reshape(b.sub(b.mul(cos, x1), b.mul(sin, x2)), single),
                        b.reshape(b.add(b.mul(sin, x1), b.mul(cos, x2)), single)};
  Var y = b.reshape(b.concat(turned, pair_axis), {s[0], s[1], s[2], rotated});
  if (rotated < size) {
    const Var parts[] = {y, b.slice_axis(x, 3, rotated, size)};
    y = b.concat(parts, 3);
  }
  ctx.set(0, original.size() == 4 ? y : b.reshape(b.transpose(y, {0, 2, 1, 3}), original));
}

}  // namespace

std::vector<OpDef> attention_ops() {
  using enum RelevanceClass;
  return {
      {"", "Attention", {23, 24, 25}, lower_attention, bilinear},
      {"", "RotaryEmbedding", {23}, lower_rotary_embedding, sum},
  };
}

}  // namespace onnxray
