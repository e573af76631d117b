#include <algorithm>
#include <numeric>

#include "core/checked.h"
#include "ops/axes.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// One axis of a slice, as numpy's start:end:step.
struct Range {
  int64_t start = 0, step = 1, count = 0;
};

/// Negative bounds count from the end; then both are clamped to the axis.
Range clamp_range(int64_t start, int64_t end, int64_t step, int64_t extent) {
  require(step != 0, ErrorCode::bad_file, "a slice with step 0");
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? extent : extent - 1;
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  start = std::clamp(start, std::min<int64_t>(0, highest), highest);
  end = std::clamp(end, lowest, std::max(lowest, highest));
  const int64_t distance = step > 0 ? end - start : start - end;
  // Steps may be INT64_MIN, whose magnitude does not fit; no axis is that long.
  const int64_t stride = step == INT64_MIN ? INT64_MAX : std::abs(step);
  return {start, step, distance <= 0 ? 0 : (distance - 1) / stride + 1};
}

struct SliceBounds {
  std::vector<int64_t> starts, ends, axes, steps;
};

SliceBounds slice_bounds(const LowerContext& ctx) {
  SliceBounds bounds;
  if (ctx.version < 10) {
    bounds = {
        ctx.ints_attr("starts", kAnyInteger), ctx.ints_attr("ends", kAnyInteger), ctx.ints_attr("axes"), {}};
  } else {
    bounds.starts = ctx.int_constants(1, "starts", kAnyInteger);
    bounds.ends = ctx.int_constants(2, "ends", kAnyInteger);
    if (ctx.has(3)) bounds.axes = ctx.int_constants(3, "axes");
    if (ctx.has(4)) bounds.steps = ctx.int_constants(4, "steps", kAnyInteger);
  }
  const size_t n = bounds.starts.size();
  if (bounds.axes.empty()) {
    bounds.axes.resize(n);
    std::iota(bounds.axes.begin(), bounds.axes.end(), 0);
  }
  if (bounds.steps.empty()) bounds.steps.assign(n, 1);
  require(bounds.ends.size() == n && bounds.axes.size() == n && bounds.steps.size() == n, ErrorCode::bad_file,
          "{} starts, {} ends, {} axes and {} steps", n, bounds.ends.size(), bounds.axes.size(),
          bounds.steps.size());
  return bounds;
}

void lower_slice(LowerContext& ctx) {
  const SliceBounds bounds = slice_bounds(ctx);
  Shape out = ctx.shape(0);
  std::vector<int64_t> starts(out.size(), 0), steps(out.size(), 1);
  for (size_t i = 0; i < bounds.starts.size(); ++i) {
    const auto axis = static_cast<size_t>(normalise_axis(bounds.axes[i], out.size()));
    const Range range = clamp_range(bounds.starts[i], bounds.ends[i], bounds.steps[i], ctx.shape(0)[axis]);
    out[axis] = range.count;
    starts[axis] = range.count > 0 ? range.start : 0;
    steps[axis] = range.count > 1 ? range.step : 1;
  }
  ctx.set(0, ctx.b.slice(ctx.input(0), std::move(starts), std::move(steps), std::move(out)));
}

/// The extents of Split's results; where none are given, equal parts, the last one smaller.
std::vector<int64_t> split_extents(const LowerContext& ctx, int64_t extent) {
  std::vector<int64_t> parts = ctx.has(1) ? ctx.int_constants(1, "split") : ctx.ints_attr("split");
  if (!parts.empty()) return parts;
  const auto outputs = static_cast<int64_t>(ctx.output_count());
  const int64_t n = ctx.int_attr("num_outputs", outputs, {1, 1 << 16});
  require(outputs <= n, ErrorCode::bad_file, "it splits into {} parts and has {} outputs", n, outputs);
  const int64_t part = (extent + n - 1) / n;
  for (int64_t begin = 0; static_cast<int64_t>(parts.size()) < n; begin += part) {
    parts.push_back(std::clamp<int64_t>(extent - begin, 0, part));
  }
  return parts;
}

void lower_split(LowerContext& ctx) {
  const int64_t axis = normalise_axis(ctx.int_attr("axis", 0), ctx.shape(0).size());
  const int64_t extent = ctx.shape(0)[static_cast<size_t>(axis)];
  const std::vector<int64_t> parts = split_extents(ctx, extent);
  const bool positive = std::ranges::all_of(parts, [](int64_t part) { return part >= 0; });
  require(positive && std::accumulate(parts.begin(), parts.end(), int64_t{0}, checked_sum) == extent,
          ErrorCode::bad_file, "parts {} do not add up to the extent {} of axis {}", to_string(parts), extent,
          axis);
  require(parts.size() >= ctx.output_count(), ErrorCode::bad_file, "{} parts for {} outputs", parts.size(),
          ctx.output_count());
  int64_t begin = 0;
  for (size_t i = 0; i < ctx.output_count(); ++i) {
    if (ctx.wants(i)) ctx.set(i, ctx.b.slice_axis(ctx.input(0), axis, begin, begin + parts[i]));
    begin += parts[i];
  }
}

}  // namespace

std::vector<OpDef> slice_ops() {
  using enum RelevanceClass;
  return {
      {"", "Slice", {1, 10, 11, 13}, lower_slice, routing, {1, 2, 3, 4}},
      {"", "Split", {1, 2, 11, 13, 18}, lower_split, routing, {1}},
  };
}

}  // namespace onnxray
