#pragma once

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
  bool channels_fastest = false;  ///< running numbers go through channels first, as channels-last memory does

  /// Element `i` of y, with its plane in x.
  ONNXRAY_DEVICE At of_y(int64_t i) const { return split(i, y_extent, false); }
  /// Element `i` of x, with its plane in y.
  ONNXRAY_DEVICE At of_x(int64_t i) const { return split(i, x_extent, true); }

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

  /// For an element of x: whether a window has it at tap `tap`, and that window's offsets in sets 1 and 2.
  ONNXRAY_DEVICE bool window_of(const At& at, int64_t tap, int64_t (&to)[kSets]) const {
    to[1] = at.offset[1];
    to[2] = at.offset[2];
    auto t = static_cast<int32_t>(tap);
    for (int a = kAxes - 1; a >= 0; --a) {
      const int32_t first = at.place[a] + pad[a] - t % kernel[a] * dilation[a];
      const int32_t o = first / stride[a];
      if (first < 0 || o * stride[a] != first || o >= y_extent[a]) return false;
      to[1] += o * strides[1][2 + a];
      to[2] += o * strides[2][2 + a];
      t /= kernel[a];
    }
    return true;
  }

 private:
  ONNXRAY_DEVICE At split(int64_t i, const int32_t (&extent)[kAxes], bool in_x) const {
    At at = {};
    int64_t c = 0;
    if (channels_fastest) {
      c = i % channels;
      i /= channels;
    }
    for (int a = kAxes - 1; a >= 0; --a) {
      at.place[a] = static_cast<int32_t>(i % extent[a]);
      i /= extent[a];
    }
    if (!channels_fastest) {
      c = i % channels;
      i /= channels;
    }
    at.channel = static_cast<int32_t>(c);
    for (int s = 0; s < kSets; ++s) {
      at.offset[s] = i * strides[s][0] + c * strides[s][1];
      if ((s == 0) != in_x) continue;
      for (int a = 0; a < kAxes; ++a) at.offset[s] += at.place[a] * strides[s][2 + a];
    }
    return at;
  }
};

/// Throws std::length_error for more than three spatial axes.
WindowTaps make_taps(const Window& window, const Operand& x, const Operand& y, const Operand* like_y);

}  // namespace onnxray::cudnn
