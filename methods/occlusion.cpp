#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/loop.h"
#include "methods/spatial.h"

namespace onnxray {

namespace {

/// Of the table that says which window covers which place of an axis.
constexpr int64_t kMostEntries = int64_t{1} << 27;

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

/// The windows over one explained input: every combination of the starts along its axes.
struct Windows {
  std::vector<int64_t> axes;
  std::vector<int64_t> sizes;                ///< by axis
  std::vector<std::vector<int64_t>> starts;  ///< by window, by axis
  int64_t first = 0;                         ///< the step of the first one
};

Windows windows_over(const MethodSpec& method, const std::vector<int64_t>& axes, const Shape& shape) {
  Windows windows{axes, {}, {{}}, 0};
  for (const int64_t axis : axes) {
    const int64_t extent = shape[static_cast<size_t>(axis)];
    const int64_t size = std::min(extent, whole(method, "window", (extent + 7) / 8));
    windows.sizes.push_back(size);
    const std::vector<int64_t> starts = window_starts(extent, size, whole(method, "stride", (size + 1) / 2));
    require(std::ssize(windows.starts) * std::ssize(starts) * extent <= kMostEntries, ErrorCode::usage,
            "'{}' moves too many windows over {}: give a larger window or stride", method.text,
            to_string(shape));
    std::vector<std::vector<int64_t>> longer;
    for (const auto& before : windows.starts) {
      for (const int64_t start : starts) {
        longer.push_back(before);
        longer.back().push_back(start);
      }
    }
    windows.starts = std::move(longer);
  }
  return windows;
}

/// The axes that windows slide along. Ids have no channels: each entry is a place of its own.
std::vector<int64_t> window_axes(const MethodContext& context, const ExplainedInput& input) {
  const size_t rank = context.b.rank(context.var(input.input));
  const bool only_ids = input.holds_ids() && input.is_number.size() == 0;
  const auto samples = context.samples.plain_axis(input.input);
  if (!only_ids) return spatial_axes(context.graph, input.input, samples).axes;
  std::vector<int64_t> axes = axes_from(0, rank);
  if (samples) axes.erase(axes.begin() + *samples);
  return axes;
}

/// Entry t: 1 where window t covers a place of axis number a, else 0; zeros in the steps of other inputs.
/// Shaped to broadcast to the input, of `rank` axes.
Tensor cover_table(const Windows& windows, size_t a, int64_t extent, size_t rank, int64_t steps) {
  std::vector<double> table(static_cast<size_t>(steps * extent), 0.0);
  for (size_t t = 0; t < windows.starts.size(); ++t) {
    for (int64_t k = 0; k < windows.sizes[a]; ++k) {
      const int64_t step = windows.first + static_cast<int64_t>(t);
      table[static_cast<size_t>(step * extent + windows.starts[t][a] + k)] = 1;
    }
  }
  Shape shape(rank + 1, 1);
  shape[0] = steps;
  shape[static_cast<size_t>(windows.axes[a]) + 1] = extent;
  return Tensor::of<double>(std::move(shape), table);
}

/// 1 where a step's window covers the input; broadcasts to the input's moved values.
Var masks_of_trip(Builder& b, Loop& loop, const Windows& windows, const Shape& shape, DType type,
                  int64_t steps) {
  Var mask;
  for (size_t a = 0; a < windows.axes.size(); ++a) {
    const int64_t extent = shape[static_cast<size_t>(windows.axes[a])];
    const Var table = b.constant(cover_table(windows, a, extent, shape.size(), steps));
    b.program()[table].dtype = type;
    const Var row = loop.per_step(table);
    mask = mask ? b.mul(mask, row) : row;
  }
  return mask;
}

/// The mask of an input, read at the entry that each row of a part comes of; broadcasts to the part's value.
Var mask_of_rows(Builder& b, Loop& loop, Var mask, const Shape& input, const ExplainedPart& part,
                 const Shape& value) {
  const int64_t count = element_count(input), side_by_side = loop.width();
  const Var flat = b.reshape(b.broadcast(mask, loop.apart_shape(input)), {side_by_side, count});
  const Var none = b.filled(0, {side_by_side, 1}, b.dtype(mask));
  const Var with_none[] = {flat, none};  // a place more, for rows that no entry chooses
  std::vector<int64_t> entries = part.entries;
  std::ranges::replace(entries, int64_t{-1}, count);
  const Var index = b.constant(Tensor::of<int64_t>({std::ssize(entries)}, entries));
  const Var rows = b.gather(b.concat(with_none, 1), index, 1);
  Shape shape(value.size(), 1);
  const auto first = value.begin() + part.row_axis;
  std::copy(first, first + part.row_rank, shape.begin() + part.row_axis);
  return b.reshape(rows, loop.apart_shape(std::move(shape)));
}

/// By explained value, where a step's windows cover it.
std::vector<Var> masks_of_values(const MethodContext& context, Loop& loop, std::span<const Var> masks) {
  Builder& b = context.b;
  std::vector<Var> by_value(context.explained.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    const ExplainedInput& input = context.inputs_explained[i];
    const Shape shape = b.shape(context.var(input.input));
    for (const ExplainedPart& part : input.parts) {
      const Shape value = b.shape(context.var(context.explained[part.value]));
      const Var mask = part.is_rows ? mask_of_rows(b, loop, masks[i], shape, part, value) : masks[i];
      Var& all = by_value[part.value];
      all = all ? b.add(all, mask) : mask;
    }
  }
  return by_value;
}

/// Sums over steps: of each place's shares of the drops, and of the windows that cover it.
struct Collected {
  Loop::Carried total, coverage;
};

/// `drop`: of a trip's steps, by sample; `at`: where the input holds those.
Collected collect(const MethodContext& context, Loop& loop, const Windows& windows, const Shape& shape,
                  const std::optional<SampleAxis>& at, Var mask, Var drop, int64_t steps) {
  Builder& b = context.b;
  const DType type = b.dtype(mask);
  Shape one = one_sample(shape, at);
  for (size_t a = 0; a < windows.axes.size(); ++a)
    one[static_cast<size_t>(windows.axes[a])] = windows.sizes[a];
  const auto size = static_cast<double>(element_count(one));  // of a window in one sample, every channel's
  const std::vector<double> once(static_cast<size_t>(steps), 1);
  const Var covered = b.mul(mask, loop.weights(once, shape.size(), type));
  Var drops = b.mul(drop, 1 / size);
  if (loop.width() > 1) {
    Shape leading(shape.size(), 1);
    leading[0] = context.samples.count;
    drops = b.reshape(drops, loop.apart_shape(std::move(leading)));
  } else {
    drops = spread(b, at ? drops : sum_per_sample(b, drops, {}), shape, at);
  }
  const Var share = loop.sum_of_steps(b.mul(covered, drops)), coverage = loop.sum_of_steps(covered);
  const Collected sums{loop.carry(b.shape(share), type), loop.carry(b.shape(coverage), type)};
  loop.update(sums.total, b.add(sums.total.current, share));
  loop.update(sums.coverage, b.add(sums.coverage.current, coverage));
  return sums;
}

}  // namespace

std::vector<Var> emit_occlusion(const MethodSpec& method, const MethodContext& context) {
  // attribution = sum over windows of m (f(x) - f(x with x0 where m)) / |m|, divided by how many windows
  // cover a place. Where entries are ids, the rows that they choose become x0.
  Builder& b = context.b;
  const DType type = b.dtype(context.logits());
  std::vector<Windows> windows;
  std::vector<Shape> shapes;
  int64_t steps = 0;
  std::vector<ValueId> read(context.explained.begin(), context.explained.end());
  for (const ExplainedInput& input : context.inputs_explained) {
    shapes.push_back(b.shape(context.var(input.input)));
    const std::vector<int64_t> axes = window_axes(context, input);
    require(!axes.empty(), ErrorCode::unsupported, "'{}' needs an axis besides the samples', not an input {}",
            method.text, to_string(shapes.back()));
    windows.push_back(windows_over(method, axes, shapes.back()));
    windows.back().first = steps;
    steps += std::ssize(windows.back().starts);
    if (std::ranges::find(read, input.input) == read.end()) read.push_back(input.input);
  }
  const std::vector<Var> x0 = baselines(method, context);
  const Var clean = score(context, context.selection);
  Loop loop(context, method, steps, read);
  std::vector<Var> masks, moved;
  for (size_t i = 0; i < windows.size(); ++i)
    masks.push_back(masks_of_trip(b, loop, windows[i], shapes[i], type, steps));
  const std::vector<Var> covered = masks_of_values(context, loop, masks);
  for (size_t i = 0; i < covered.size(); ++i) {
    const Var x = context.var(context.explained[i]);
    const Shape shape = b.shape(x);
    moved.push_back(loop.joined(b.select(b.less(0.0, covered[i]), b.broadcast(x0[i], shape), x), shape));
  }
  const Var selection = loop.joined(context.selection, b.shape(context.selection));
  const MovedPass pass(context, loop.wide(), context.explained, moved, selection);
  const Var drop = b.sub(clean, loop.apart(score(pass.context(), selection)));
  std::vector<Collected> collected;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto at = context.samples.of(context.inputs_explained[i].input);
    collected.push_back(collect(context, loop, windows[i], shapes[i], at, masks[i], drop, steps));
  }
  loop.finish();
  std::vector<Var> attributions;
  for (size_t i = 0; i < windows.size(); ++i) {
    // A stride beyond the window leaves places that no window covers.
    const Var mean = b.div(collected[i].total.current, b.max(collected[i].coverage.current, 1.0));
    attributions.push_back(b.broadcast(mean, shapes[i]));
  }
  return attributions;
}

}  // namespace onnxray
