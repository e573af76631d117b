#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/image.h"
#include "cli/preprocess.h"
#include "core/tensor.h"

namespace onnxray::cli {

/// One sample of a tensor as drawing sees it: channels of height x width; a series has height 1.
struct Planes {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<double> values;  ///< channel by channel, row by row
  bool is_series = false;

  double at(int64_t c, int64_t y, int64_t x) const {
    return values[static_cast<size_t>((c * height + y) * width + x)];
  }
};

/// Sample number `sample` of a tensor. `layout` is NCHW, NHWC, NCT or NTC; "" takes the smaller of the two
/// axes that may be channels. The batch axis and inner axes of extent 1 may be missing; what has one inner
/// axis is a series of one channel. Throws Error(usage) on what has no picture.
Planes planes_of(const Tensor& tensor, const std::string& layout, int64_t sample);

/// The sum over channels.
Planes channel_sum(const Planes& planes);

/// The largest finite |value|; 0 where there is none.
double largest_magnitude(const Planes& planes);

/// An RGB image of a model's input: `preprocess` undone, or without it the values stretched from black to
/// white.
Image show_input(const Planes& input, const std::optional<Preprocess>& preprocess);

}  // namespace onnxray::cli
