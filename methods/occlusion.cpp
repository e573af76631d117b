#include <algorithm>
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

/// Entry t: 1 where window t covers a place of axis number a, else 0; zeros in the steps of other variables.
/// Shaped to broadcast to the variable, of `rank` axes.
Tensor cover_table(const Windows& windows, size_t a, int64_t extent, size_t rank, int64_t first,
                   int64_t steps) {
  std::vector<double> table(static_cast<size_t>(steps * extent), 0.0);
  for (size_t t = 0; t < windows.starts.size(); ++t) {
    for (int64_t k = 0; k < windows.sizes[a]; ++k) {
      table[static_cast<size_t>((first + static_cast<int64_t>(t)) * extent + windows.starts[t][a] + k)] = 1;
    }
  }
  Shape shape(rank + 1, 1);
  shape[0] = steps;
  shape[static_cast<size_t>(windows.axes[a]) + 1] = extent;
  return Tensor::of<double>(std::move(shape), table);
}

/// 1 where a step's window covers x; broadcasts to x's moved values.
Var masks_of_trip(Builder& b, Loop& loop, const Windows& windows, Var x, int64_t first, int64_t steps) {
  Var mask;
  for (size_t a = 0; a < windows.axes.size(); ++a) {
    const int64_t extent = b.shape(x)[static_cast<size_t>(windows.axes[a])];
    const Var table = b.constant(cover_table(windows, a, extent, b.rank(x), first, steps));
    b.program()[table].dtype = b.dtype(x);
    const Var row = loop.per_step(table);
    mask = mask ? b.mul(mask, row) : row;
  }
  return mask;
}

/// Sums over steps: of each place's shares of the drops, and of the windows that cover it.
struct Collected {
  Loop::Carried total, coverage;
};

Collected collect(Builder& b, Loop& loop, const Windows& windows, Var x, Var mask, Var drop, int64_t steps) {
  const Shape shape = b.shape(x);
  double size = 1;  // elements of a window in one sample, every channel's
  for (size_t axis = 1; axis < shape.size(); ++axis) {
    const bool slides = std::ranges::find(windows.axes, static_cast<int64_t>(axis)) != windows.axes.end();
    size *= static_cast<double>(slides ? 1 : shape[axis]);
  }
  for (const int64_t extent : windows.sizes) size *= static_cast<double>(extent);
  Shape per_sample(shape.size(), 1);
  per_sample[0] = shape[0];
  const std::vector<double> once(static_cast<size_t>(steps), 1);
  const Var covered = b.mul(mask, loop.weights(once, shape.size(), b.dtype(x)));
  const Var drops = b.reshape(b.mul(drop, 1 / size), loop.apart_shape(std::move(per_sample)));
  const Var share = loop.sum_of_steps(b.mul(covered, drops)), coverage = loop.sum_of_steps(covered);
  const Collected sums{loop.carry(b.shape(share), b.dtype(x)), loop.carry(b.shape(coverage), b.dtype(x))};
  loop.update(sums.total, b.add(sums.total.current, share));
  loop.update(sums.coverage, b.add(sums.coverage.current, coverage));
  return sums;
}

}  // namespace

std::vector<Var> emit_occlusion(const MethodSpec& method, const MethodContext& context) {
  // attribution = sum over windows of m (f(x) - f(x with x0 where m)) / |m|, divided by how many windows
  // cover a place
  Builder& b = context.b;
  const std::vector<Var> x = context.explained_vars(), x0 = baselines(method, context);
  std::vector<Windows> windows;
  int64_t steps = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::vector<int64_t> axes = spatial_axes(context.graph, context.explained[i]).axes;
    require(!axes.empty(), ErrorCode::unsupported, "'{}' needs an axis after the batch, not an input {}",
            method.text, to_string(b.shape(x[i])));
    windows.push_back(windows_over(method, axes, b.shape(x[i])));
    steps += std::ssize(windows.back().starts);
  }
  const Var clean = score(b, context.selection, context.logits());
  Loop loop(context, method, steps, context.explained);
  std::vector<Var> masks, moved;
  int64_t first = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const Shape shape = b.shape(x[i]);
    masks.push_back(masks_of_trip(b, loop, windows[i], x[i], first, steps));
    moved.push_back(loop.joined(b.select(b.less(0.0, masks[i]), b.broadcast(x0[i], shape), x[i]), shape));
    first += std::ssize(windows[i].starts);
  }
  const Var selection = loop.joined(context.selection, b.shape(context.selection));
  const MovedPass pass(context, loop.wide(), context.explained, moved, selection);
  const Var drop = b.sub(clean, loop.apart(score(b, selection, pass.context().logits())));
  std::vector<Collected> collected;
  for (size_t i = 0; i < x.size(); ++i)
    collected.push_back(collect(b, loop, windows[i], x[i], masks[i], drop, steps));
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
