#include <algorithm>
#include <cmath>

#include "core/checked.h"
#include "ops/families.h"
#include "ops/window.h"

namespace onnxray {

namespace {

std::vector<int64_t> spatial_axes(Builder& b, Var x) {
  const auto rank = static_cast<int64_t>(b.rank(x));
  require(rank >= 3, ErrorCode::bad_file, "pooling needs [N, C, spatial...], not a tensor of rank {}", rank);
  return axes_from(2, b.rank(x));
}

bool ceil_mode(const LowerContext& c) { return c.int_attr("ceil_mode", 0) != 0; }

/// Visits every output place of a window with its spatial index.
template <class Visit>
void for_each_place(const Shape& out, Visit visit) {
  Shape index(out.size(), 0);
  for (int64_t i = 0; i < element_count(out); ++i) {
    visit(i, index);
    for (size_t a = out.size(); a-- > 0;) {
      if (++index[a] < out[a]) break;
      index[a] = 0;
    }
  }
}

/// The index of each winner in the whole of x, row-major (or column-major over the spatial axes), as ONNX
/// counts.
Var flat_indices(LowerContext& c, Var winner, const Window& w) {
  Builder& b = c.b;
  const Shape& x = c.shape(0);
  const Shape out_shape = b.shape(winner);
  const size_t rank = w.kernel.size();
  const bool column_major = c.int_attr("storage_order", 0) != 0;
  Strides stride(rank, 1);
  for (size_t k = 1; k < rank; ++k) {
    const size_t i = column_major ? k : rank - 1 - k;
    stride[i] = stride[column_major ? i - 1 : i + 1] * x[(column_major ? i - 1 : i + 1) + 2];
  }
  const int64_t plane = count_between(x, 2, x.size());
  // First place of each window, plus the plane that it lies in.
  const Shape out(out_shape.begin() + 2, out_shape.end());
  c.b.claim(element_count(out));
  std::vector<int64_t> corner(static_cast<size_t>(element_count(out)));
  for_each_place(out, [&](int64_t i, const Shape& index) {
    for (size_t a = 0; a < rank; ++a)
      corner[static_cast<size_t>(i)] += checked_product(index[a] * w.strides[a] - w.pads_begin[a], stride[a]);
  });
  Shape spatial{1, 1};
  spatial.insert(spatial.end(), out.begin(), out.end());
  Shape planes(out_shape.size(), 1);
  planes[0] = x[0];
  planes[1] = x[1];
  std::vector<int64_t> base(static_cast<size_t>(x[0] * x[1]));
  for (size_t i = 0; i < base.size(); ++i) base[i] = static_cast<int64_t>(i) * plane;
  // Then the winning tap's offset inside the window.
  std::vector<int64_t> tap_offset(static_cast<size_t>(element_count(w.kernel)));
  for_each_place(w.kernel, [&](int64_t i, const Shape& tap) {
    for (size_t a = 0; a < rank; ++a)
      tap_offset[static_cast<size_t>(i)] += checked_product(tap[a] * w.dilations[a], stride[a]);
  });
  const auto taps = static_cast<int64_t>(tap_offset.size());
  const Var offset =
      b.gather(b.constant(Tensor::of<int64_t>({taps}, tap_offset)), b.cast(winner, DType::i64), 0);
  return b.add(b.add(offset, b.constant(Tensor::of<int64_t>(spatial, corner))),
               b.constant(Tensor::of<int64_t>(planes, base)));
}

void lower_max_pool(LowerContext& c) {
  const Window w = read_window(c, c.shape(0), c.ints_attr("kernel_shape"), ceil_mode(c));
  const auto [y, winner] = c.b.max_pool(c.input(0), w);
  c.set(0, y);
  if (c.wants(1)) c.set(1, flat_indices(c, winner, w));
}

/// How many taps of the window that starts at `first` lie before `end`.
int64_t taps_before(const Window& w, size_t axis, int64_t first, int64_t end) {
  if (end <= first) return 0;
  return std::min(w.kernel[axis], (end - first - 1) / w.dilations[axis] + 1);
}

/// How many elements each window averages over: those inside the input, or inside input and declared padding.
std::vector<double> window_counts(const Window& w, const Window& declared, std::span<const int64_t> in,
                                  const Shape& out, bool include_pad) {
  std::vector<double> counts(static_cast<size_t>(element_count(out)));
  for_each_place(out, [&](int64_t i, const Shape& index) {
    double count = 1;
    for (size_t a = 0; a < out.size(); ++a) {
      const int64_t first = index[a] * w.strides[a] - w.pads_begin[a],
                    low = include_pad ? -declared.pads_begin[a] : 0,
                    high = in[a] + (include_pad ? declared.pads_end[a] : 0);
      count *= static_cast<double>(taps_before(w, a, first, high) - taps_before(w, a, first, low));
    }
    counts[static_cast<size_t>(i)] = count;
  });
  return counts;
}

void lower_average_pool(LowerContext& c) {
  Builder& b = c.b;
  const Shape x = c.shape(0);
  const Window declared = read_window(c, x, c.ints_attr("kernel_shape"));
  const Window w = read_window(c, x, c.ints_attr("kernel_shape"), ceil_mode(c));
  const Var total = b.sum_pool(c.input(0), w);
  Shape out(b.shape(total).begin() + 2, b.shape(total).end());
  b.claim(2 * element_count(out));
  const std::vector<double> counts =
      window_counts(w, declared, std::span(x).subspan(2), out, c.int_attr("count_include_pad", 0) != 0);
  std::vector<double> inverse;  // a window of padding alone averages to 0
  for (const double n : counts) inverse.push_back(1 / std::max(n, 1.0));
  if (std::ranges::count(inverse, inverse.front()) == std::ssize(inverse))
    return c.set(0, b.mul(total, inverse.front()));
  out.insert(out.begin(), {1, 1});
  c.set(0, b.mul(total, b.cast(b.constant(Tensor::of<double>(out, inverse)), b.dtype(total))));
}

void lower_global_average_pool(LowerContext& c) {
  c.set(0, c.b.mean(c.input(0), spatial_axes(c.b, c.input(0))));
}

void lower_global_max_pool(LowerContext& c) {
  c.set(0, c.b.reduce(Reduce::Kind::max, c.input(0), spatial_axes(c.b, c.input(0))));
}

/// total^(1/p). The root of 0 gets slope 0: its true slope is infinite, which the reverse walk cannot use.
Var root(Builder& b, Var total, double p) {
  const Var empty = b.equal(total, 0.0);
  const Var safe = b.select(empty, b.scalar(1, b.dtype(total)), total);
  return b.select(empty, b.scalar(0, b.dtype(total)), p == 2 ? b.sqrt(safe) : b.pow(safe, 1 / p));
}

/// (sum |x|^p)^(1/p)
template <class Total>
void lower_lp(LowerContext& c, Total total) {
  Builder& b = c.b;
  const double p = c.version < 2 ? c.float_attr("p", 2) : static_cast<double>(c.int_attr("p", 2));
  require(p > 0, ErrorCode::bad_file, "attribute 'p' is {}; it must be positive", p);
  const Var x = c.input(0);
  if (p == 1) return c.set(0, total(b.abs(x)));
  c.set(0, root(b, total(p == 2 ? b.mul(x, x) : b.pow(b.abs(x), p)), p));
}

void lower_lp_pool(LowerContext& c) {
  const Window w = read_window(c, c.shape(0), c.ints_attr("kernel_shape"), ceil_mode(c));
  lower_lp(c, [&](Var v) { return c.b.sum_pool(v, w); });
}

void lower_global_lp_pool(LowerContext& c) {
  lower_lp(c, [&](Var v) { return c.b.sum(v, spatial_axes(c.b, v)); });
}

}  // namespace

std::vector<OpDef> pool_ops() {
  using enum RelevanceClass;
  return {
      {"", "MaxPool", {1, 8, 10, 11, 12, 22}, lower_max_pool, routing},
      {"", "AveragePool", {1, 7, 10, 11, 19, 22}, lower_average_pool, sum},
      {"", "GlobalAveragePool", {1, 22}, lower_global_average_pool, sum},
      {"", "GlobalMaxPool", {1, 22}, lower_global_max_pool, routing},
      {"", "LpPool", {1, 2, 11, 18, 22}, lower_lp_pool, sum},
      {"", "GlobalLpPool", {1, 2, 22}, lower_global_lp_pool, sum},
  };
}

}  // namespace onnxray
