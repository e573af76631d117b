#pragma once

#include <algorithm>
#include <vector>

#include "core/primitive.h"

namespace onnxray::reference {

/// A run of outputs that meet real elements of x at one tap of a window: y[y + j * y_step] meets x[x + j *
/// x_step] for j < extent. Offsets are within one plane.
struct TapRow {
  int64_t x, y, extent;
};

/// For every tap of a window, in row-major order, the pairs of places in x and y that it joins; padding is
/// left out.
class WindowRows {
 public:
  /// `x` and `y` are the spatial extents, with strides in the planes' own memory.
  WindowRows(const Window& window, const Shape& x, const Strides& x_strides, const Shape& y,
             const Strides& y_strides)
      : window_(window), x_(x), y_(y), x_strides_(x_strides), y_strides_(y_strides) {
    const size_t last = x.size() - 1;
    x_step = x_strides[last] * window.strides[last];
    y_step = y_strides[last];
    taps_.resize(static_cast<size_t>(element_count(window.kernel)));
    Shape tap(x.size(), 0);
    for (auto& rows : taps_) {
      add_rows(tap, 0, 0, 0, rows);
      for (size_t a = tap.size(); a-- > 0;) {
        if (++tap[a] < window.kernel[a]) break;
        tap[a] = 0;
      }
    }
  }

  int64_t tap_count() const { return static_cast<int64_t>(taps_.size()); }
  const std::vector<TapRow>& operator[](int64_t tap) const { return taps_[static_cast<size_t>(tap)]; }

  int64_t x_step = 1, y_step = 1;

 private:
  /// Extends the place of axes < `axis` over the outputs o of this axis with 0 <= o * stride + shift <
  /// extent.
  void add_rows(const Shape& tap, size_t axis, int64_t x, int64_t y, std::vector<TapRow>& rows) const {
    const int64_t stride = window_.strides[axis];
    const int64_t shift = tap[axis] * window_.dilations[axis] - window_.pads_begin[axis];
    const int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    const int64_t room = x_[axis] - 1 - shift;
    const int64_t end = room < 0 ? 0 : std::min(y_[axis], room / stride + 1);
    if (first >= end) return;
    const auto at_x = [&](int64_t o) { return x + (o * stride + shift) * x_strides_[axis]; };
    const auto at_y = [&](int64_t o) { return y + o * y_strides_[axis]; };
    if (axis + 1 < x_.size()) {
      for (int64_t o = first; o < end; ++o) add_rows(tap, axis + 1, at_x(o), at_y(o), rows);
      return;
    }
    const int64_t extent = end - first;
    if (!rows.empty() && continues(rows.back(), at_x(first), at_y(first)))
      rows.back().extent += extent;
    else
      rows.push_back({at_x(first), at_y(first), extent});
  }

  bool continues(const TapRow& row, int64_t x, int64_t y) const {
    return row.x + row.extent * x_step == x && row.y + row.extent * y_step == y;
  }

  Window window_;
  Shape x_, y_;
  Strides x_strides_, y_strides_;
  std::vector<std::vector<TapRow>> taps_;
};

/// The spatial part of a shape or of strides of [N, C, spatial...].
inline std::vector<int64_t> spatial_of(const std::vector<int64_t>& values) {
  return {values.begin() + 2, values.end()};
}

}  // namespace onnxray::reference
