#pragma once

#include <array>

#include "core/primitive.h"

namespace onnxray::onednn {

/// A window that slides over x [N, C, spatial..] with results y [N, M, spatial..], as three spatial axes;
/// missing ones come first, with extent 1.
struct SpatialWindow {
  using Axes = std::array<int64_t, 3>;
  Axes kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pad{0, 0, 0};
  Axes x{1, 1, 1}, y{1, 1, 1};  // extents

  SpatialWindow(const Window& window, const Shape& x_shape, const Shape& y_shape) {
    const size_t rank = window.kernel.size();
    for (size_t s = 0; s < rank; ++s) {
      const size_t a = 3 - rank + s;
      kernel[a] = window.kernel[s];
      stride[a] = window.strides[s];
      dilation[a] = window.dilations[s];
      pad[a] = window.pads_begin[s];
      x[a] = x_shape[s + 2];
      y[a] = y_shape[s + 2];
    }
  }
};

}  // namespace onnxray::onednn
