#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

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

std::vector<OpDef> rotary_embedding_ops() {
  using enum RelevanceClass;
  return {
      {"", "RotaryEmbedding", {23}, lower_rotary_embedding, sum},
  };
}

}  // namespace onnxray
