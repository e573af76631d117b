#include <cmath>

#include "core/fail.h"
#include "methods/loop.h"
#include "methods/spatial.h"

namespace onnxray {

namespace {

/// Where windows begin along an axis. The last one ends with the axis, none wraps.
std::vector<int64_t> window_starts(int64_t extent, int64_t window, int64_t stride) {
  std::vector<int64_t> starts;
  for (int64_t at = 0; at + window < extent; at += stride) starts.push_back(at);
  starts.push_back(std::max<int64_t>(extent - window, 0));
  return starts;
}

int64_t whole(const MethodSpec& method, std::string_view name, int64_t fallback) {
  const double value = method.number(name, static_cast<double>(fallback));
  require(value >= 1 && value == std::floor(value), ErrorCode::usage,
          "{}={} of '{}' is not a whole number >= 1", name, value, method.text);
  return static_cast<int64_t>(value);
}

/// The windows over one explained variable: every combination of the starts along its axes.
struct Windows {
  std::vector<int64_t> axes;
  std::vector<int64_t> sizes;                ///< by axis
  std::vector<std::vector<int64_t>> starts;  ///< by window, by axis
};

Windows windows_over(const MethodSpec& method, const std::vector<int64_t>& axes, const Shape& shape) {
  Windows windows{axes, {}, {{}}};
  for (const int64_t axis : axes) {
    const int64_t extent = shape[static_cast<size_t>(axis)];
    const int64_t size = std::min(extent, whole(method, "window", (extent + 7) / 8));
    windows.sizes.push_back(size);
    std::vector<std::vector<int64_t>> longer;
    for (const auto& before : windows.starts) {
      for (const int64_t start : window_starts(extent, size, whole(method, "stride", (size + 1) / 2))) {
        longer.push_back(before);
        longer.back().push_back(start);
      }
    }
    windows.starts = std::move(longer);
  }
  return windows;
}

/// Row t: 1 where window t covers a place of axis number a, else 0; zeros in the trips of other variables.
Tensor cover_table(const Windows& windows, size_t a, int64_t extent, int64_t first, int64_t trips) {
  std::vector<double> table(static_cast<size_t>(trips * extent), 0.0);
  for (size_t t = 0; t < windows.starts.size(); ++t) {
    for (int64_t k = 0; k < windows.sizes[a]; ++k) {
      table[static_cast<size_t>((first + static_cast<int64_t>(t)) * extent + windows.starts[t][a] + k)] = 1;
    }
  }
  return Tensor::of<double>({trips, extent}, table);
}

/// 1 where the trip's window covers x; broadcasts to x.
Var mask_of_trip(Builder& b, Loop& loop, const Windows& windows, Var x, int64_t first, int64_t trips) {
  const Shape shape = b.shape(x);
  Var mask;
  for (size_t a = 0; a < windows.axes.size(); ++a) {
    const auto axis = static_cast<size_t>(windows.axes[a]);
    Shape along(shape.size(), 1);
    along[axis] = shape[axis];
    const Var row =
        b.reshape(loop.per_trip(cover_table(windows, a, shape[axis], first, trips), b.dtype(x)), along);
    mask = mask ? b.mul(mask, row) : row;
  }
  return mask;
}

/// Sums over trips: of each place's shares of the drops, and of the windows that cover it.
struct Collected {
  Loop::Carried total, coverage;
};

Collected collect(Builder& b, Loop& loop, const Windows& windows, Var x, Var mask, Var drop) {
  const Shape shape = b.shape(x), place = b.shape(mask);
  double size = 1;  // elements of a window in one sample, every channel's
  for (size_t axis = 1; axis < shape.size(); ++axis)
    size *= static_cast<double>(place[axis] == 1 ? shape[axis] : 1);
  for (const int64_t extent : windows.sizes) size *= static_cast<double>(extent);
  Shape per_sample(shape.size(), 1);
  per_sample[0] = shape[0];
  const Var share = b.mul(mask, b.reshape(b.mul(drop, 1 / size), per_sample));
  const Collected sums{loop.carry(b.shape(share), b.dtype(x)), loop.carry(place, b.dtype(x))};
  loop.update(sums.total, b.add(sums.total.current, share));
  loop.update(sums.coverage, b.add(sums.coverage.current, mask));
  return sums;
}

}  // namespace

std::vector<Var> emit_occlusion(const MethodSpec& method, const MethodContext& context) {
  // attribution = sum over windows of m (f(x) - f(x with x0 where m)) / |m|, divided by how many windows
  // cover a place
  Builder& b = context.b;
  const std::vector<Var> x = context.explained_vars(), x0 = baselines(method, context);
  std::vector<Windows> windows;
  int64_t trips = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::vector<int64_t> axes = spatial_axes(context.graph, context.explained[i]).axes;
    require(!axes.empty(), ErrorCode::unsupported, "'{}' needs an axis after the batch, not an input {}",
            method.text, to_string(b.shape(x[i])));
    windows.push_back(windows_over(method, axes, b.shape(x[i])));
    trips += std::ssize(windows.back().starts);
  }
  const Var clean = score(b, context.selection, context.logits());
  Loop loop(context, trips);
  std::vector<Var> masks, moved;
  int64_t first = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    masks.push_back(mask_of_trip(b, loop, windows[i], x[i], first, trips));
    moved.push_back(b.select(b.less(0.0, masks[i]), b.broadcast(x0[i], b.shape(x[i])), x[i]));
    first += std::ssize(windows[i].starts);
  }
  const MovedPass pass(context, moved);
  const Var drop = b.sub(clean, score(b, context.selection, pass.context().logits()));
  std::vector<Collected> collected;
  for (size_t i = 0; i < x.size(); ++i)
    collected.push_back(collect(b, loop, windows[i], x[i], masks[i], drop));
  loop.finish();
  std::vector<Var> attributions;
  for (size_t i = 0; i < x.size(); ++i) {
    // A stride beyond the window leaves places that no window covers.
    const Var mean = b.div(collected[i].total.current, b.max(collected[i].coverage.current, 1.0));
    attributions.push_back(b.broadcast(mean, b.shape(x[i])));
  }
  return attributions;
}

}  // namespace onnxray
