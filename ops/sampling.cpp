#include <numeric>

#include "core/checked.h"
#include "ops/families.h"

namespace onnxray {

namespace {

// Reading an image at places that the data names: GridSample and RoiAlign.

/// One tap along one axis: where it reads, clamped to the axis, and how much it counts.
struct Tap {
  Var index;   ///< i64
  Var weight;  ///< real; 0 where the tap lies outside
};

struct Sampling {
  std::string mode, padding;
  bool align = false;
};

/// `x` folded back into [low, high] at both ends.
Var reflected(Builder& b, Var x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return b.mul(x, 0.0);
  const Var distance = b.binary(Opcode::fmod, b.abs(b.sub(x, low)), 2 * range);
  const Var folded = b.select(b.less(range, distance), b.sub(2 * range, distance), distance);
  return b.add(folded, low);
}

Var clamped(Builder& b, Var x, int64_t extent) {
  return b.min(b.max(x, 0.0), static_cast<double>(extent - 1));
}

Var padded(Builder& b, const Sampling& how, Var x, int64_t extent) {
  if (how.padding == "border") return clamped(b, x, extent);
  if (how.padding != "reflection") return x;
  const double edge = how.align ? 0 : 0.5;
  return clamped(b, reflected(b, x, -edge, static_cast<double>(extent - 1) + edge), extent);
}

/// A tap at the whole number `at`; outside it counts nothing.
Tap tap(Builder& b, Var at, Var weight, int64_t extent) {
  const Var inside =
      b.binary(Opcode::logical_and, b.less_equal(0.0, at), b.less_equal(at, static_cast<double>(extent - 1)));
  return {b.cast(clamped(b, at, extent), DType::i64), b.select(inside, weight, b.scalar(0, b.dtype(at)))};
}

/// Keys' cubic kernel with a = -0.75 for the taps -1, 0, 1, 2 around a place at fraction t.
std::vector<Var> cubic_weights(Builder& b, Var t) {
  constexpr double a = -0.75;
  const auto near = [&](Var s) {  // ((a + 2) s - (a + 3)) s^2 + 1
    return b.add(b.mul(b.mul(b.sub(b.mul(s, a + 2), a + 3), s), s), 1.0);
  };
  const auto far = [&](Var s) {  // ((a s - 5a) s + 8a) s - 4a
    return b.sub(b.mul(b.add(b.mul(b.sub(b.mul(s, a), 5 * a), s), 8 * a), s), 4 * a);
  };
  const Var u = b.sub(1.0, t);
  return {far(b.add(t, 1.0)), near(t), near(u), far(b.add(u, 1.0))};
}

/// The taps of one axis for the normalised places `g` in [-1, 1].
std::vector<Tap> taps_of(Builder& b, const Sampling& how, Var g, int64_t extent) {
  const auto size = static_cast<double>(extent);
  // align_corners: -1 and 1 are the centres of the first and last element, else their outer edges.
  const Var raw =
      how.align ? b.mul(b.add(g, 1.0), (size - 1) / 2) : b.mul(b.sub(b.mul(b.add(g, 1.0), size), 1.0), 0.5);
  const Var one = b.filled(1, b.shape(raw), b.dtype(raw));
  if (how.mode == "nearest") {
    return {tap(b, b.unary(Opcode::round, padded(b, how, raw, extent)), one, extent)};
  }
  if (how.mode == "linear") {
    const Var x = padded(b, how, raw, extent), low = b.unary(Opcode::floor, x), t = b.sub(x, low);
    return {tap(b, low, b.sub(1.0, t), extent), tap(b, b.add(low, 1.0), t, extent)};
  }
  const Var low = b.unary(Opcode::floor, raw);
  const std::vector<Var> weights = cubic_weights(b, b.sub(raw, low));
  std::vector<Tap> taps;
  for (size_t i = 0; i < 4; ++i) {
    const Var at = b.add(low, static_cast<double>(i) - 1);
    taps.push_back(tap(b, padded(b, how, at, extent), weights[i], extent));
  }
  return taps;
}

/// The values of x [N,C,places] at index [N,points], times weight: [N,C,points].
Var read(Builder& b, Var x, Var index, Var weight) {
  const Shape s = b.shape(x), at = b.shape(index);
  const Var spread = b.broadcast(b.reshape(index, {at[0], 1, at[1]}), {s[0], s[1], at[1]});
  return b.mul(b.gather_elements(x, spread, 2), b.reshape(weight, {at[0], 1, at[1]}));
}

Sampling sampling_of(const LowerContext& c) {
  Sampling how{c.string_attr("mode", "linear"), c.string_attr("padding_mode", "zeros"),
               c.int_attr("align_corners", 0) != 0};
  if (how.mode == "bilinear") how.mode = "linear";
  if (how.mode == "bicubic") how.mode = "cubic";
  require(how.mode == "nearest" || how.mode == "linear" || how.mode == "cubic", ErrorCode::bad_file,
          "its mode '{}' is none of linear, nearest, cubic", how.mode);
  require(how.padding == "zeros" || how.padding == "border" || how.padding == "reflection",
          ErrorCode::bad_file, "its padding_mode '{}' is none of zeros, border, reflection", how.padding);
  return how;
}

// y[n,c,p] = sum over taps of x[n,c,tap] * weight[tap], the taps around grid[n,p] (x before y)
void lower_grid_sample(LowerContext& c) {
  Builder& b = c.b;
  const Shape x = c.shape(0), grid = c.shape(1);
  const size_t rank = x.size() - 2;
  require(x.size() >= 3 && grid.size() == x.size() && grid.back() == static_cast<int64_t>(rank) &&
              grid[0] == x[0],
          ErrorCode::bad_file, "a grid {} for an image {}", to_string(grid), to_string(x));
  const Sampling how = sampling_of(c);
  const int64_t points = count_between(grid, 1, grid.size() - 1);
  const Var places = b.reshape(c.input(1), {x[0], points, static_cast<int64_t>(rank)});
  const Var flat = b.reshape(c.input(0), {x[0], x[1], count_between(x, 2, x.size())});
  // Every combination of the axes' taps, as a row-major place and the product of the weights.
  std::vector<Tap> taps;
  for (size_t a = 0; a < rank; ++a) {
    const auto last = static_cast<int64_t>(rank - 1 - a);
    const Var g = b.reshape(b.slice_axis(places, 2, last, last + 1), {x[0], points});
    const std::vector<Tap> of_axis = taps_of(b, how, g, x[a + 2]);
    std::vector<Tap> combined;
    for (const Tap& outer : taps) {
      for (const Tap& inner : of_axis) {
        combined.push_back({b.add(b.mul(outer.index, static_cast<double>(x[a + 2])), inner.index),
                            b.mul(outer.weight, inner.weight)});
      }
    }
    taps = taps.empty() ? of_axis : combined;
  }
  Var y;
  for (const Tap& t : taps) {
    const Var term = read(b, flat, t.index, t.weight);
    y = y ? b.add(y, term) : term;
  }
  Shape out{x[0], x[1]};
  out.insert(out.end(), grid.begin() + 1, grid.end() - 1);
  c.set(0, b.reshape(y, out));
}

/// The places of one axis at which RoiAlign reads, [R, bins * samples], and its two taps.
struct RoiAxis {
  Var low, high;     ///< i64
  Var below, above;  ///< weights
};

RoiAxis roi_axis(LowerContext& c, int64_t first, int64_t bins, int64_t samples, int64_t extent) {
  Builder& b = c.b;
  const int64_t rois = c.extent(1, 0);
  const bool half_pixel =
      c.version >= 16 && c.string_attr("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const double scale = c.float_attr("spatial_scale", 1), shift = half_pixel ? 0.5 : 0;
  const auto corner = [&](int64_t i) {
    return b.sub(b.mul(b.slice_axis(c.input(1), 1, i, i + 1), scale), shift);
  };
  const Var start = corner(first);
  Var size = b.sub(corner(first + 2), start);
  if (!half_pixel) size = b.max(size, 1.0);
  b.claim(element_count({bins, samples}));
  std::vector<double> centres;  // in bins
  for (int64_t p = 0; p < bins * samples; ++p)
    centres.push_back((static_cast<double>(p) + 0.5) / static_cast<double>(samples));
  const Var steps = b.constant(Tensor::of<double>({1, bins * samples}, centres).to(b.dtype(size)));
  const Var at = b.add(b.mul(b.div(size, static_cast<double>(bins)), steps), start);
  const Var inside =
      b.binary(Opcode::logical_and, b.less_equal(-1.0, at), b.less_equal(at, static_cast<double>(extent)));
  const Var y = clamped(b, at, extent), low = b.unary(Opcode::floor, y), t = b.sub(y, low);
  const Var zero = b.filled(0, {rois, bins * samples}, b.dtype(t));
  return {b.cast(low, DType::i64), b.cast(clamped(b, b.add(low, 1.0), extent), DType::i64),
          b.select(inside, b.sub(1.0, t), zero), b.select(inside, t, zero)};
}

// The mean (or maximum) of samples on a regular grid in each bin of each region.
void lower_roi_align(LowerContext& c) {
  Builder& b = c.b;
  const Shape x = c.shape(0);
  const int64_t rois = c.extent(1, 0), samples = c.int_attr("sampling_ratio", 0);
  const int64_t height = c.int_attr("output_height", 1, kPositiveSetting),
                width = c.int_attr("output_width", 1, kPositiveSetting);
  require(x.size() == 4 && c.shape(1) == Shape{rois, 4}, ErrorCode::bad_file, "regions {} of an image {}",
          to_string(c.shape(1)), to_string(x));
  require(
      samples > 0, ErrorCode::unsupported,
      "its sampling_ratio 0 lets the regions decide how many samples there are; export it with a fixed one");
  const RoiAxis rows = roi_axis(c, 1, height, samples, x[2]), columns = roi_axis(c, 0, width, samples, x[3]);
  const Var flat = b.gather(b.reshape(c.input(0), {x[0], x[1], x[2] * x[3]}), c.input(2), 0);
  const Shape outer{rois, height * samples, 1}, inner{rois, 1, width * samples};
  const auto at = [&](Var row, Var row_weight, Var column, Var column_weight) {
    const int64_t points = element_count({height, samples, width, samples});
    const Var index =
        b.add(b.mul(b.reshape(row, outer), static_cast<double>(x[3])), b.reshape(column, inner));
    const Var weight = b.mul(b.reshape(row_weight, outer), b.reshape(column_weight, inner));
    return read(b, flat, b.reshape(index, {rois, points}), b.reshape(weight, {rois, points}));
  };
  const Var corners[] = {at(rows.low, rows.below, columns.low, columns.below),
                         at(rows.low, rows.below, columns.high, columns.above),
                         at(rows.high, rows.above, columns.low, columns.below),
                         at(rows.high, rows.above, columns.high, columns.above)};
  const std::string mode = c.string_attr("mode", "avg");
  require(mode == "avg" || mode == "max", ErrorCode::bad_file, "its mode '{}' is neither avg nor max", mode);
  Var y = corners[0];
  for (size_t i = 1; i < 4; ++i) y = mode == "avg" ? b.add(y, corners[i]) : b.max(y, corners[i]);
  y = b.reshape(y, {rois, x[1], height, samples, width, samples});
  y = mode == "avg" ? b.mean(y, {3, 5}) : b.reduce(Reduce::Kind::max, y, {3, 5});
  c.set(0, b.reshape(y, {rois, x[1], height, width}));
}

/// n places in [-1, 1]: at both ends, or in the middles of n equal parts.
std::vector<double> regular_places(int64_t n, bool align) {
  std::vector<double> places;
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<double>(i), size = static_cast<double>(n);
    places.push_back(align ? (n == 1 ? 0 : 2 * at / (size - 1) - 1) : (2 * at + 1) / size - 1);
  }
  return places;
}

// grid[n,p] = theta[n] (x, y[, z], 1) for the places of the output
void lower_affine_grid(LowerContext& c) {
  Builder& b = c.b;
  const std::vector<int64_t> size = c.int_constants(1, "size");
  require(size.size() == 4 || size.size() == 5, ErrorCode::bad_file, "its size has {} entries", size.size());
  const size_t rank = size.size() - 2;
  const bool align = c.int_attr("align_corners", 0) != 0;
  const Shape spatial(size.begin() + 2, size.end());
  const int64_t points = element_count(spatial);
  b.claim(4 * points);
  std::vector<std::vector<double>> places;
  for (const int64_t extent : spatial) places.push_back(regular_places(extent, align));
  std::vector<double> rows;
  for (int64_t p = 0; p < points; ++p) {
    int64_t rest = p;
    for (size_t a = rank; a-- > 0; rest /= spatial[a])
      rows.push_back(places[a][static_cast<size_t>(rest % spatial[a])]);
    rows.push_back(1);
  }
  const auto wide = static_cast<int64_t>(rank + 1);
  const Var base = b.constant(Tensor::of<double>({1, points, wide}, rows).to(b.dtype(c.input(0))));
  Shape out{size[0]};
  out.insert(out.end(), spatial.begin(), spatial.end());
  out.push_back(static_cast<int64_t>(rank));
  c.set(0, b.reshape(b.matmul(base, c.input(0), false, true), out));
}

}  // namespace

std::vector<OpDef> sampling_ops() {
  using enum RelevanceClass;
  return {
      may_add({"", "GridSample", {16, 20, 22}, lower_grid_sample, routing}, {1}),
      may_add({"", "RoiAlign", {10, 16, 22}, lower_roi_align, routing}, {1}),
      {"", "AffineGrid", {20}, lower_affine_grid, sum, {1}},
  };
}

}  // namespace onnxray
