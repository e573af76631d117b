#include <algorithm>
#include <numeric>

#include "core/checked.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

Var int_vector(LowerContext& ctx, const std::vector<int64_t>& values) {
  return ctx.b.constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

/// The shape that `wanted` asks for: 0 keeps the extent unless `allow_zero`, one -1 takes what is left.
Shape resolve_reshape(const Shape& from, Shape wanted, bool allow_zero) {
  const Shape asked = wanted;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != 0 || allow_zero) continue;
    require(i < from.size(), ErrorCode::bad_file, "shape {} copies extent {}, which {} does not have",
            to_string(asked), i, to_string(from));
    wanted[i] = from[i];
  }
  const auto open = std::ranges::find(wanted, -1);
  if (open == wanted.end()) return wanted;
  *open = 1;
  const int64_t known = element_count(wanted), total = element_count(from);
  require(known > 0 && total % known == 0, ErrorCode::bad_file, "cannot reshape {} to {}", to_string(from),
          to_string(asked));
  *open = total / known;
  return wanted;
}

void lower_reshape(LowerContext& ctx) {
  Shape wanted = ctx.version >= 5 ? ctx.int_constants(1, "shape") : ctx.ints_attr("shape");
  ctx.set(0, ctx.b.reshape(ctx.input(0), resolve_reshape(ctx.shape(0), std::move(wanted),
                                                         ctx.int_attr("allowzero", 0) != 0)));
}

void lower_flatten(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const auto rank = static_cast<int64_t>(shape.size());
  int64_t axis = ctx.int_attr("axis", 1);
  require(axis >= -rank && axis <= rank, ErrorCode::bad_file, "axis {} is outside a tensor of rank {}", axis,
          rank);
  if (axis < 0) axis += rank;
  const auto at = static_cast<size_t>(axis);
  ctx.set(0,
          ctx.b.reshape(ctx.input(0), {count_between(shape, 0, at), count_between(shape, at, shape.size())}));
}

void lower_squeeze(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const std::vector<int64_t> named = named_axes(ctx, 1);
  const bool all = named.empty() && !ctx.has(1) && !ctx.has_attr("axes");
  const auto axes = normalise_axes(named, shape.size());
  Shape out;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool drop = all ? shape[i] == 1 : std::ranges::binary_search(axes, static_cast<int64_t>(i));
    require(!drop || shape[i] == 1, ErrorCode::bad_file, "cannot squeeze axis {} of {}: its extent is not 1",
            i, to_string(shape));
    if (!drop) out.push_back(shape[i]);
  }
  ctx.set(0, ctx.b.reshape(ctx.input(0), out));
}

void lower_unsqueeze(LowerContext& ctx) {
  const std::vector<int64_t> named = named_axes(ctx, 1);
  Shape out = ctx.shape(0);
  // Axes count in the result; inserted in ascending order each lands in its place.
  for (const int64_t axis : normalise_axes(named, out.size() + named.size()))
    out.insert(out.begin() + axis, 1);
  ctx.set(0, ctx.b.reshape(ctx.input(0), out));
}

void lower_transpose(LowerContext& ctx) {
  std::vector<int64_t> permutation = ctx.ints_attr("perm");
  if (!ctx.has_attr("perm")) {
    permutation.resize(ctx.shape(0).size());
    std::iota(permutation.rbegin(), permutation.rend(), 0);
  }
  ctx.set(0, ctx.b.transpose(ctx.input(0), permutation));
}

void lower_shape(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const auto rank = static_cast<int64_t>(shape.size());
  const auto clamped = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const int64_t begin = clamped(ctx.int_attr("start", 0, kAnyInteger)),
                end = std::max(begin, clamped(ctx.int_attr("end", rank, kAnyInteger)));
  ctx.set(0, int_vector(ctx, {shape.begin() + begin, shape.begin() + end}));
}

void lower_size(LowerContext& ctx) {
  ctx.set(0, ctx.b.constant(Tensor::scalar<int64_t>(element_count(ctx.shape(0)))));
}

void lower_expand(LowerContext& ctx) {
  const Shape wanted = ctx.int_constants(1, "shape");
  const auto out = broadcast_shapes(ctx.shape(0), wanted);
  require(out.has_value(), ErrorCode::bad_file, "cannot expand {} to {}", to_string(ctx.shape(0)),
          to_string(wanted));
  ctx.set(0, ctx.b.broadcast(ctx.input(0), *out));
}

Shape tile_repeats(const LowerContext& ctx) {
  if (ctx.version < 6) {  // Tile-1: (x, tiles, axis)
    Shape all(ctx.shape(0).size(), 1);
    all[static_cast<size_t>(normalise_axis(ctx.int_constant(2, "axis"), all.size()))] =
        ctx.int_constant(1, "tiles");
    return all;
  }
  Shape repeats = ctx.int_constants(1, "repeats", {0, kExtent.highest});
  require(repeats.size() == ctx.shape(0).size(), ErrorCode::bad_file, "{} repeats for a tensor {}",
          repeats.size(), to_string(ctx.shape(0)));
  return repeats;
}

/// Each repeated axis of extent d becomes [1, d], is broadcast to [r, d] and read as r * d.
void lower_tile(LowerContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const Shape repeats = tile_repeats(ctx);
  Shape split, repeated, out;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (repeats[i] != 1) {
      split.push_back(1);
      repeated.push_back(repeats[i]);
    }
    split.push_back(shape[i]);
    repeated.push_back(shape[i]);
    out.push_back(checked_product(repeats[i], shape[i]));
  }
  ctx.set(0, ctx.b.reshape(ctx.b.broadcast(ctx.b.reshape(ctx.input(0), split), repeated), out));
}

/// The block size, after checking that x is [N, C, H, W].
int64_t block_size(const LowerContext& ctx) {
  const int64_t block = ctx.int_attr("blocksize", 0, kPositiveSetting);
  require(block > 0, ErrorCode::bad_file, "its attribute 'blocksize' is missing");
  require(ctx.shape(0).size() == 4, ErrorCode::bad_file, "needs [N, C, H, W], not {}",
          to_string(ctx.shape(0)));
  return block;
}

/// Whether the places of a block come before the channels (DCR) or behind them (CRD).
bool is_depth_first(const LowerContext& ctx) {
  const std::string mode = ctx.string_attr("mode", "DCR");
  require(mode == "DCR" || mode == "CRD", ErrorCode::bad_file, "its mode must be DCR or CRD, not '{}'", mode);
  return mode == "DCR";
}

void lower_depth_to_space(LowerContext& ctx) {
  const int64_t s = block_size(ctx);
  const Shape& x = ctx.shape(0);
  require(x[1] % (s * s) == 0, ErrorCode::bad_file, "{} channels do not split into blocks of {} x {}", x[1],
          s, s);
  const int64_t n = x[0], c = x[1] / (s * s), h = x[2], w = x[3];
  const bool depth_first = is_depth_first(ctx);
  const Var split =
      ctx.b.reshape(ctx.input(0), depth_first ? Shape{n, s, s, c, h, w} : Shape{n, c, s, s, h, w});
  using Axes = std::vector<int64_t>;
  const Var moved = ctx.b.transpose(split, depth_first ? Axes{0, 3, 4, 1, 5, 2} : Axes{0, 1, 4, 2, 5, 3});
  ctx.set(0, ctx.b.reshape(moved, {n, c, checked_product(h, s), checked_product(w, s)}));
}

void lower_space_to_depth(LowerContext& ctx) {
  const int64_t s = block_size(ctx);
  const Shape& x = ctx.shape(0);
  require(x[2] % s == 0 && x[3] % s == 0, ErrorCode::bad_file, "{} does not split into blocks of {} x {}",
          to_string(x), s, s);
  const int64_t n = x[0], c = x[1], h = x[2] / s, w = x[3] / s;
  using Axes = std::vector<int64_t>;
  const Var moved = ctx.b.transpose(ctx.b.reshape(ctx.input(0), {n, c, h, s, w, s}),
                                    is_depth_first(ctx) ? Axes{0, 3, 5, 1, 2, 4} : Axes{0, 1, 3, 5, 2, 4});
  ctx.set(0, ctx.b.reshape(moved, {n, checked_product(c, s * s), h, w}));
}

void lower_concat(LowerContext& ctx) {
  require(ctx.version < 4 || ctx.has_attr("axis"), ErrorCode::bad_file, "its attribute 'axis' is missing");
  require(ctx.input_count() > 0, ErrorCode::bad_file, "it joins nothing");
  std::vector<Var> xs;
  for (size_t i = 0; i < ctx.input_count(); ++i) xs.push_back(ctx.input(i));
  ctx.set(0, ctx.b.concat(xs, normalise_axis(ctx.int_attr("axis", 1), ctx.shape(0).size())));
}

}  // namespace

std::vector<OpDef> shape_ops() {
  using enum RelevanceClass;
  return {
      {"", "Reshape", {1, 5, 13, 14, 19, 21, 23, 24, 25}, lower_reshape, routing, {1}},
      {"", "Flatten", {1, 9, 11, 13, 21, 23, 24, 25}, lower_flatten, routing},
      {"", "Squeeze", {1, 11, 13, 21, 23, 24, 25}, lower_squeeze, routing, {1}},
      {"", "Unsqueeze", {1, 11, 13, 21, 23, 24, 25}, lower_unsqueeze, routing, {1}},
      {"", "Transpose", {1, 13, 21, 23, 24, 25}, lower_transpose, routing},
      {"", "Shape", {1, 13, 15, 19, 21, 23, 24, 25}, lower_shape, none},
      {"", "Size", {1, 13, 19, 21, 23, 24, 25}, lower_size, none},
      {"", "Expand", {8, 13}, lower_expand, routing, {1}},
      {"", "Tile", {1, 6, 13}, lower_tile, routing, {1, 2}},
      {"", "DepthToSpace", {1, 11, 13, 28}, lower_depth_to_space, routing},
      {"", "SpaceToDepth", {1, 13, 28}, lower_space_to_depth, routing},
      {"", "Concat", {1, 4, 11, 13}, lower_concat, routing},
  };
}

}  // namespace onnxray
