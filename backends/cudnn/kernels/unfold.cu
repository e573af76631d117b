#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"

namespace onnxray::cudnn {

namespace {

struct Unfold {
  const float* x;
  float* u;
  WindowTaps taps;
  uint32_t places, taps_count;  // of y's plane; of the window
  int64_t plane;                // elements of x's plane
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto number = static_cast<uint32_t>(i);
    const uint32_t row = number / places, map = row / taps_count, tap = row - map * taps_count;
    uint32_t o = number - row * places;
    WindowTaps::At at = {};
    at.offset[0] = map * plane;
    for (int a = WindowTaps::kAxes - 1; a >= 0; --a) {
      const auto extent = static_cast<uint32_t>(taps.y_extent[a]);
      if (extent == 1) continue;
      const uint32_t rest = o / extent;
      at.place[a] = static_cast<int32_t>(o - rest * extent);
      o = rest;
    }
    const int64_t from = taps.place_in_x(at, tap);
    u[i] = from < 0 ? 0.0f : x[from];
  }
};

}  // namespace

void unfold(Stream stream, const WindowTaps& taps, int64_t images, int64_t channels, const float* x,
            float* u) {
  int64_t places = 1, plane = 1;
  for (int a = 0; a < WindowTaps::kAxes; ++a) {
    places *= taps.y_extent[a];
    plane *= taps.x_extent[a];
  }
  for_each(stream, images * channels * taps.count * places,
           Unfold{x, u, taps, static_cast<uint32_t>(places), static_cast<uint32_t>(taps.count), plane});
}

}  // namespace onnxray::cudnn
