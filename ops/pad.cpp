#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// Extents added before and after each axis; negative ones remove.
struct Padding {
  std::vector<int64_t> begin, end;
};

Padding padding_of(const LowerContext& ctx) {
  const size_t rank = ctx.shape(0).size();
  const auto pads = ctx.version >= 11 ? ctx.int_constants(1, "pads")
                                      : ctx.ints_attr(ctx.version == 1 ? "paddings" : "pads");
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (ctx.version >= 18 && ctx.has(3)) axes = ctx.int_constants(3, "axes");
  require(pads.size() == 2 * axes.size(), ErrorCode::bad_file, "{} pads for {} axes", pads.size(),
          axes.size());
  Padding padding{std::vector<int64_t>(rank, 0), std::vector<int64_t>(rank, 0)};
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(normalise_axis(axes[i], rank));
    padding.begin[axis] = pads[i];
    padding.end[axis] = pads[axes.size() + i];
  }
  return padding;
}

/// Removes what the negative pads ask for and leaves only positive ones.
Var crop(LowerContext& ctx, Var x, Padding& padding) {
  Shape out = ctx.b.shape(x);
  std::vector<int64_t> starts(out.size(), 0);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] += std::min<int64_t>(padding.begin[i], 0) + std::min<int64_t>(padding.end[i], 0);
    require(out[i] >= 0, ErrorCode::bad_file, "pads {} and {} remove more than axis {} of {}",
            padding.begin[i], padding.end[i], i, to_string(ctx.b.shape(x)));
    starts[i] = out[i] == 0 ? 0 : std::max<int64_t>(-padding.begin[i], 0);
    padding.begin[i] = std::max<int64_t>(padding.begin[i], 0);
    padding.end[i] = std::max<int64_t>(padding.end[i], 0);
  }
  return ctx.b.slice(x, std::move(starts), std::vector<int64_t>(out.size(), 1), out);
}

/// Whether a double holds the number.
bool holds_exactly(const Tensor& number) {
  return is_floating(number.dtype()) || std::abs(static_cast<double>(number.as_int64(0))) <= 0x1p53;
}

Var pad_constant(LowerContext& ctx, Var x, const Padding& padding) {
  Builder& b = ctx.b;
  Shape out = b.shape(x);
  for (size_t i = 0; i < out.size(); ++i) out[i] += padding.begin[i] + padding.end[i];
  const std::vector<int64_t> steps(out.size(), 1);
  const Tensor* known = ctx.version >= 11 && ctx.has(2) ? b.constant(ctx.input(2)) : nullptr;
  require(known == nullptr || known->size() == 1, ErrorCode::bad_file, "its value must be one number, not {}",
          known == nullptr ? 1 : known->size());
  if (known != nullptr && !holds_exactly(*known)) known = nullptr;
  if (ctx.version < 11 || !ctx.has(2) || known != nullptr) {
    const double fill = known != nullptr ? known->as_double(0) : ctx.float_attr("value", 0);
    return b.place(x, padding.begin, steps, out, fill);
  }
  // The fill is computed by the model, or none that a double holds: a mask tells it from x.
  const Var inside = b.place(b.filled(1, b.shape(x), DType::boolean), padding.begin, steps, out);
  return b.select(inside, b.place(x, padding.begin, steps, out), b.reshape(ctx.input(2), {}));
}

int64_t floor_modulo(int64_t a, int64_t n) { return (a % n + n) % n; }

int64_t edge_place(int64_t i, int64_t extent) { return std::clamp<int64_t>(i, 0, extent - 1); }
int64_t wrap_place(int64_t i, int64_t extent) { return floor_modulo(i, extent); }

/// The mirrors stand on the first and last element, so the pattern repeats after 2 (extent - 1).
int64_t reflect_place(int64_t i, int64_t extent) {
  if (extent == 1) return 0;
  const int64_t period = 2 * (extent - 1), at = floor_modulo(i, period);
  return at < extent ? at : period - at;
}

using PlaceFunction = int64_t (*)(int64_t, int64_t);

PlaceFunction place_function(const std::string& mode) {
  if (mode == "edge") return edge_place;
  if (mode == "reflect") return reflect_place;
  require(mode == "wrap", ErrorCode::bad_file, "its mode must be constant, edge, reflect or wrap, not '{}'",
          mode);
  return wrap_place;
}

/// Copies elements of x into the margins of one axis: a map with one tap of weight 1 for each place.
Var pad_axis(LowerContext& ctx, Var x, size_t axis, int64_t begin, int64_t end, PlaceFunction place) {
  const int64_t extent = ctx.b.shape(x)[axis];
  require(extent > 0, ErrorCode::bad_file, "axis {} of {} is empty: there is nothing to repeat", axis,
          to_string(ctx.b.shape(x)));
  ctx.b.claim(3 * (begin + extent + end));
  AxisTable table{.in = extent, .out = begin + extent + end, .offsets = {0}, .index = {}, .weight = {}};
  for (int64_t o = 0; o < table.out; ++o) {
    table.index.push_back(place(o - begin, extent));
    table.weight.push_back(1);
    table.offsets.push_back(o + 1);
  }
  const auto at = static_cast<int64_t>(axis);
  if (is_floating(ctx.b.dtype(x)))
    return ctx.b.axis_map(x, at, std::make_shared<const AxisTable>(std::move(table)));
  return ctx.b.gather(x, ctx.b.constant(Tensor::of<int64_t>({table.out}, table.index)), at);
}

void lower_pad(LowerContext& ctx) {
  Padding padding = padding_of(ctx);
  const std::string mode = ctx.string_attr("mode", "constant");
  Var x = crop(ctx, ctx.input(0), padding);
  if (mode == "constant") return ctx.set(0, pad_constant(ctx, x, padding));
  const PlaceFunction place = place_function(mode);
  for (size_t axis = 0; axis < ctx.b.rank(x); ++axis) {
    const int64_t begin = padding.begin[axis], end = padding.end[axis];
    if (begin != 0 || end != 0) x = pad_axis(ctx, x, axis, begin, end, place);
  }
  ctx.set(0, x);
}

}  // namespace

std::vector<OpDef> pad_ops() {
  return {{"", "Pad", {1, 2, 11, 13, 18, 19, 21, 23, 24, 25}, lower_pad, RelevanceClass::routing, {1, 3}}};
}

}  // namespace onnxray
