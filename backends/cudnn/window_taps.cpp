#include "backends/cudnn/kernels/window_taps.h"

#include <limits>

namespace onnxray::cudnn {

namespace {

int32_t narrow(int64_t value) {
  if (value > std::numeric_limits<int32_t>::max() / 4 || value < std::numeric_limits<int32_t>::min() / 4)
    throw std::length_error("a window too large for a kernel");
  return static_cast<int32_t>(value);
}

}  // namespace

WindowTaps make_taps(const Window& window, const Operand& x, const Operand& y, const Operand* like_y) {
  const size_t axes = window.kernel.size();
  if (axes > WindowTaps::kAxes) throw std::length_error("too many spatial axes");
  WindowTaps taps;
  taps.count = element_count(window.kernel);
  taps.channels = x.shape[1];
  constexpr int64_t kNarrow = int64_t{1} << 31;
  taps.narrow = element_count(x.shape) < kNarrow && element_count(y.shape) < kNarrow;
  taps.channels_fastest = x.strides[1] == 1 && axes > 0 && x.strides.back() > 1;
  const std::vector<const Operand*> sets{&x, &y, like_y != nullptr ? like_y : &y};
  for (size_t s = 0; s < sets.size(); ++s) {
    taps.strides[s][0] = sets[s]->strides[0];
    taps.strides[s][1] = sets[s]->strides[1];
  }
  taps.disjoint = window.strides == window.kernel;
  for (size_t a = 0; a < axes; ++a)
    taps.disjoint = taps.disjoint && window.dilations[a] == 1 && window.pads_begin[a] == 0;
  // Missing axes come first, with extent 1.
  const size_t missing = WindowTaps::kAxes - axes;
  for (size_t a = 0; a < WindowTaps::kAxes; ++a) {
    const bool real = a >= missing;
    const size_t from = a - missing;
    taps.x_extent[a] = real ? narrow(x.shape[2 + from]) : 1;
    taps.y_extent[a] = real ? narrow(y.shape[2 + from]) : 1;
    taps.kernel[a] = real ? narrow(window.kernel[from]) : 1;
    taps.stride[a] = real ? narrow(window.strides[from]) : 1;
    taps.dilation[a] = real ? narrow(window.dilations[from]) : 1;
    taps.pad[a] = real ? narrow(window.pads_begin[from]) : 0;
    for (size_t s = 0; s < sets.size(); ++s) taps.strides[s][2 + a] = real ? sets[s]->strides[2 + from] : 0;
  }
  return taps;
}

}  // namespace onnxray::cudnn
