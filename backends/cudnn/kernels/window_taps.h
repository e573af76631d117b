#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "backends/cudnn/kernels/launch.h"

namespace onnxray::cudnn {

/// The pairs of places in x [N, C, s..] and y [N, C, o..] that a sliding window joins, for up to three
/// spatial axes. Passed to kernels by value. Tap t of axis a joins x's place i and y's place o where i = o *
/// stride + t * dilation - pad.
struct WindowTaps {
  static constexpr int kAxes = 3, kSets = 3;  // sets: x, y, and a second operand that has y's shape

  /// An element: its place along every axis, and the offset of [n, c] or of the whole in each set.
  struct At {
    int64_t offset[kSets];  ///< of the element itself in its own sets; of its plane [n, c] in the other's
    int32_t place[kAxes];
    int32_t channel;
  };

  int64_t count = 0;     ///< of taps
  int64_t channels = 0;  ///< of the operand whose elements are numbered
  int32_t x_extent[kAxes], y_extent[kAxes], kernel[kAxes], stride[kAxes], dilation[kAxes], pad[kAxes];
  int64_t strides[kSets][2 + kAxes];
  bool disjoint = false;          ///< windows tile x: stride = kernel, neither dilation nor padding
  bool narrow = false;            ///< running numbers fit 32 bits, whose division is far cheaper
  bool channels_fastest = false;  ///< running numbers go through channels first, as channels-last memory does

  /// Element `i` of y, with its plane in x.
  ONNXRAY_DEVICE At of_y(int64_t i) const {
    return narrow ? split(static_cast<uint32_t>(i), y_extent, false)
                  : split(static_cast<uint64_t>(i), y_extent, false);
  }
  /// Element `i` of x, with its plane in y.
  ONNXRAY_DEVICE At of_x(int64_t i) const {
    return narrow ? split(static_cast<uint32_t>(i), x_extent, true)
                  : split(static_cast<uint64_t>(i), x_extent, true);
  }

  /// For an element of y: calls f(tap, offset in x) for every tap that does not fall into the padding, in
  /// order.
  template <class F>
  ONNXRAY_DEVICE void each_tap(const At& at, F f) const {
    int32_t first[kAxes];
    for (int a = 0; a < kAxes; ++a) first[a] = at.place[a] * stride[a] - pad[a];
    for (int32_t t0 = 0, i0 = first[0]; t0 < kernel[0]; ++t0, i0 += dilation[0]) {
      if (i0 < 0 || i0 >= x_extent[0]) continue;
      for (int32_t t1 = 0, i1 = first[1]; t1 < kernel[1]; ++t1, i1 += dilation[1]) {
        if (i1 < 0 || i1 >= x_extent[1]) continue;
        const int64_t row = at.offset[0] + i0 * strides[0][2] + i1 * strides[0][3];
        for (int32_t t2 = 0, i2 = first[2]; t2 < kernel[2]; ++t2, i2 += dilation[2]) {
          if (i2 < 0 || i2 >= x_extent[2]) continue;
          f(int64_t{(t0 * kernel[1] + t1) * kernel[2] + t2}, row + i2 * strides[0][4]);
        }
      }
    }
  }

  /// For an element of y: the offset in x of tap `tap`, or -1 in the padding.
  ONNXRAY_DEVICE int64_t place_in_x(const At& at, int64_t tap) const {
    int64_t offset = at.offset[0];
    auto t = static_cast<int32_t>(tap);
    for (int a = kAxes - 1; a >= 0; --a) {
      const int32_t i = at.place[a] * stride[a] + t % kernel[a] * dilation[a] - pad[a];
      if (i < 0 || i >= x_extent[a]) return -1;
      offset += i * strides[0][2 + a];
      t /= kernel[a];
    }
    return offset;
  }

  /// For an element of x: calls f(tap, offset in set 1, offset in set 2) for every window that has it at a
  /// tap, in the order of taps.
  template <class F>
  ONNXRAY_DEVICE void each_window(const At& at, F f) const {
    if (disjoint) return only_window(at, f);
    for (int32_t t0 = 0; t0 < kernel[0]; ++t0) {
      const int32_t o0 = window_at(0, at, t0);
      if (o0 < 0) continue;
      for (int32_t t1 = 0; t1 < kernel[1]; ++t1) {
        const int32_t o1 = window_at(1, at, t1);
        if (o1 < 0) continue;
        const int64_t row1 = at.offset[1] + o0 * strides[1][2] + o1 * strides[1][3],
                      row2 = at.offset[2] + o0 * strides[2][2] + o1 * strides[2][3];
        for (int32_t t2 = 0; t2 < kernel[2]; ++t2) {
          const int32_t o2 = window_at(2, at, t2);
          if (o2 < 0) continue;
          f(int64_t{(t0 * kernel[1] + t1) * kernel[2] + t2}, row1 + o2 * strides[1][4],
            row2 + o2 * strides[2][4]);
        }
      }
    }
  }

 private:
  /// each_window where no two windows overlap: the element lies in one, or behind the last.
  template <class F>
  ONNXRAY_DEVICE void only_window(const At& at, F f) const {
    int64_t tap = 0, offset[2] = {at.offset[1], at.offset[2]};
    for (int a = 0; a < kAxes; ++a) {
      const int32_t o = at.place[a] / stride[a];
      if (o >= y_extent[a]) return;
      tap = tap * kernel[a] + at.place[a] - o * stride[a];
      offset[0] += o * strides[1][2 + a];
      offset[1] += o * strides[2][2 + a];
    }
    f(tap, offset[0], offset[1]);
  }

  /// The window along an axis that has the element at tap `t`, or -1.
  ONNXRAY_DEVICE int32_t window_at(int axis, const At& at, int32_t t) const {
    const int32_t first = at.place[axis] + pad[axis] - t * dilation[axis];
    if (first < 0) return -1;
    const int32_t o = stride[axis] == 1 ? first : first / stride[axis];
    return o * stride[axis] == first && o < y_extent[axis] ? o : -1;
  }

  template <class I>
  ONNXRAY_DEVICE At split(I i, const int32_t (&extent)[kAxes], bool in_x) const {
    At at = {};
    I c = 0;
    if (channels_fastest) c = take(i, static_cast<I>(channels));
    for (int a = kAxes - 1; a >= 0; --a) {
      if (extent[a] > 1) at.place[a] = static_cast<int32_t>(take(i, static_cast<I>(extent[a])));
    }
    if (!channels_fastest) c = take(i, static_cast<I>(channels));
    at.channel = static_cast<int32_t>(c);
    for (int s = 0; s < kSets; ++s) {
      at.offset[s] = static_cast<int64_t>(i) * strides[s][0] + static_cast<int64_t>(c) * strides[s][1];
      if ((s == 0) != in_x) continue;
      for (int a = 0; a < kAxes; ++a) at.offset[s] += at.place[a] * strides[s][2 + a];
    }
    return at;
  }

  /// i % extent, which i loses.
  template <class I>
  ONNXRAY_DEVICE static I take(I& i, I extent) {
    const I rest = i / extent, place = i - rest * extent;
    i = rest;
    return place;
  }
};

/// Throws std::length_error for more than three spatial axes.
WindowTaps make_taps(const Window& window, const Operand& x, const Operand& y, const Operand* like_y);

}  // namespace onnxray::cudnn
