#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/checked.h"
#include "ops/axes.h"
#include "ops/families.h"
#include "ops/interpolation.h"

namespace onnxray {

namespace {

Interpolation::Mode mode_of(const LowerContext& ctx) {
  using enum Interpolation::Mode;
  const std::string mode = ctx.string_attr("mode", "nearest");
  if (mode == "nearest") return nearest;
  if (mode == "linear" || mode == "bilinear") return linear;
  require(mode == "cubic", ErrorCode::bad_file, "its mode must be nearest, linear or cubic, not '{}'", mode);
  return cubic;
}

/// Resize since version 11 says all in attributes.
Interpolation interpolation_of(const LowerContext& ctx) {
  Interpolation how{.mode = mode_of(ctx)};
  how.coordinates = ctx.string_attr("coordinate_transformation_mode", "half_pixel");
  how.rounding = ctx.string_attr("nearest_mode", "round_prefer_floor");
  how.cubic_a = ctx.float_attr("cubic_coeff_a", -0.75);
  how.exclude_outside = ctx.int_attr("exclude_outside", 0) != 0;
  how.antialias = ctx.int_attr("antialias", 0) != 0;
  return how;
}

// float32 arithmetic, as ONNX's shape inference: 10 * 0.7f is 7, not 6.99...
int64_t scaled_extent(int64_t in, double scale) {
  return checked_whole(std::floor(static_cast<float>(in) * static_cast<float>(scale)), "a scaled extent");
}

std::vector<ResizeAxis> axes_from_scales(const Shape& shape, const std::vector<int64_t>& axes,
                                         const std::vector<double>& scales) {
  require(scales.size() == axes.size(), ErrorCode::bad_file, "{} scales for {} axes", scales.size(),
          axes.size());
  std::vector<ResizeAxis> result;
  for (size_t i = 0; i < axes.size(); ++i) {
    require(scales[i] > 0, ErrorCode::bad_file, "scale {:g} of axis {} is not positive", scales[i], axes[i]);
    const int64_t in = shape[static_cast<size_t>(axes[i])];
    result.push_back({.in = in, .out = scaled_extent(in, scales[i]), .scale = scales[i]});
  }
  return result;
}

/// `policy` other than stretch gives all axes one scale: the largest that fits into the sizes, or the
/// smallest that covers them.
std::vector<ResizeAxis> axes_from_sizes(const Shape& shape, const std::vector<int64_t>& axes,
                                        const std::vector<int64_t>& sizes, const std::string& policy) {
  require(sizes.size() == axes.size(), ErrorCode::bad_file, "{} sizes for {} axes", sizes.size(),
          axes.size());
  std::vector<ResizeAxis> result;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t in = shape[static_cast<size_t>(axes[i])];
    const double scale = in == 0 ? 1 : static_cast<double>(sizes[i]) / static_cast<double>(in);
    result.push_back({.in = in, .out = sizes[i], .scale = scale});
  }
  if (policy == "stretch" || result.empty()) return result;
  require(policy == "not_larger" || policy == "not_smaller", ErrorCode::bad_file,
          "unknown keep_aspect_ratio_policy '{}'", policy);
  const auto [low, high] = std::ranges::minmax_element(result, {}, &ResizeAxis::scale);
  const double scale = policy == "not_larger" ? low->scale : high->scale;
  for (ResizeAxis& axis : result) {
    axis.scale = scale;
    axis.out = checked_whole(std::floor(scale * static_cast<double>(axis.in) + 0.5), "a scaled extent");
  }
  return result;
}

/// y = table(x) along `axis`, and `fill` where the output lies outside of x.
Var resize_axis(LowerContext& ctx, Var x, size_t axis, AxisInterpolation map, double fill) {
  Builder& b = ctx.b;
  const auto at = static_cast<int64_t>(axis);
  if (!is_floating(b.dtype(x)))
    return b.gather(x, b.constant(Tensor::of<int64_t>({map.table.out}, map.table.index)), at);
  const bool fills = fill != 0 && std::ranges::find(map.extrapolated, true) != map.extrapolated.end();
  const Var y = b.axis_map(x, at, std::make_shared<const AxisTable>(std::move(map.table)));
  if (!fills) return y;
  // Rows outside are empty, thus 0; other axes interpolate the fill with weights that sum to 1.
  Shape shape(b.rank(x), 1);
  shape[axis] = static_cast<int64_t>(map.extrapolated.size());
  std::vector<double> values;
  for (const bool outside : map.extrapolated) values.push_back(outside ? fill : 0);
  return b.add(y, b.constant(Tensor::of<double>(shape, values).to(b.dtype(x))));
}

/// The rounding of opsets before 11: down along an axis that grows, up along one that shrinks.
constexpr const char* kByDirection = "by direction";

void lower_axes(LowerContext& ctx, const Interpolation& how, const std::vector<int64_t>& axes,
                const std::vector<ResizeAxis>& resized) {
  Builder& b = ctx.b;
  const DType dtype = b.dtype(ctx.input(0));
  const bool picks = how.mode == Interpolation::Mode::nearest && how.coordinates != "tf_crop_and_resize";
  Var x = is_floating(dtype) || picks ? ctx.input(0) : b.cast(ctx.input(0), DType::f32);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (resized[i].in == 0 && resized[i].out == 0) continue;  // an empty batch
    require(resized[i].in > 0 && resized[i].out > 0, ErrorCode::bad_file,
            "axis {} cannot be resized from {} to {}", axes[i], resized[i].in, resized[i].out);
    Interpolation of_axis = how;
    if (how.rounding == kByDirection) of_axis.rounding = resized[i].scale < 1 ? "ceil" : "floor";
    ctx.b.claim(most_entries(of_axis, resized[i]));
    AxisInterpolation map = interpolate(of_axis, resized[i]);
    if (is_identity(map.table)) continue;
    x = resize_axis(ctx, x, static_cast<size_t>(axes[i]), std::move(map),
                    ctx.float_attr("extrapolation_value", 0));
  }
  ctx.set(0, b.cast(x, dtype));
}

std::vector<int64_t> all_axes(const LowerContext& ctx) {
  std::vector<int64_t> axes(ctx.shape(0).size());
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

/// Upsample, and Resize before version 11: coordinates start at the corner.
void lower_by_scales(LowerContext& ctx, const std::vector<double>& scales) {
  const auto axes = all_axes(ctx);
  const auto resized = axes_from_scales(ctx.shape(0), axes, scales);
  lower_axes(ctx, {.mode = mode_of(ctx), .coordinates = "asymmetric", .rounding = kByDirection}, axes,
             resized);
}

void lower_upsample(LowerContext& ctx) {
  if (ctx.version >= 9) return lower_by_scales(ctx, ctx.constant(1, "scales").to_doubles());
  if (ctx.version >= 7) return lower_by_scales(ctx, floats_attribute(ctx.node, "scales"));
  lower_by_scales(ctx, {1, 1, ctx.float_attr("height_scale", 1), ctx.float_attr("width_scale", 1)});
}

/// Before version 13 an operand is left out by making it empty.
bool is_given(const LowerContext& ctx, size_t i) { return ctx.has(i) && element_count(ctx.shape(i)) > 0; }

void read_roi(const LowerContext& ctx, std::vector<ResizeAxis>& resized) {
  const auto roi = ctx.constant(1, "roi").to_doubles();
  require(roi.size() == 2 * resized.size(), ErrorCode::bad_file, "a roi of {} numbers for {} axes",
          roi.size(), resized.size());
  for (size_t i = 0; i < resized.size(); ++i) {
    resized[i].roi_begin = roi[i];
    resized[i].roi_end = roi[resized.size() + i];
  }
}

void lower_resize(LowerContext& ctx) {
  if (ctx.version < 11) return lower_by_scales(ctx, ctx.constant(1, "scales").to_doubles());
  std::vector<int64_t> axes = ctx.has_attr("axes") ? ctx.ints_attr("axes") : all_axes(ctx);
  for (int64_t& axis : axes) axis = normalise_axis(axis, ctx.shape(0).size());
  require(is_given(ctx, 2) || is_given(ctx, 3), ErrorCode::bad_file, "it has neither scales nor sizes");
  const std::string policy = ctx.string_attr("keep_aspect_ratio_policy", "stretch");
  auto resized = is_given(ctx, 2)
                     ? axes_from_scales(ctx.shape(0), axes, ctx.constant(2, "scales").to_doubles())
                     : axes_from_sizes(ctx.shape(0), axes, ctx.int_constants(3, "sizes"), policy);
  const Interpolation how = interpolation_of(ctx);
  if (how.coordinates == "tf_crop_and_resize") read_roi(ctx, resized);
  lower_axes(ctx, how, axes, resized);
}

}  // namespace

std::vector<OpDef> resize_ops() {
  using enum RelevanceClass;
  return {
      may_add({"", "Resize", {10, 11, 13, 18, 19}, lower_resize, routing, {1, 2, 3}}),
      may_add({"", "Upsample", {1, 7, 9, 10}, lower_upsample, routing, {1}}),
  };
}

}  // namespace onnxray
