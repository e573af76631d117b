#include "cli/heatmap.h"

#include <algorithm>
#include <cmath>

#include "cli/colormap.h"

namespace onnxray::cli {
namespace {

/// Sums in [-1, 1], sampled at the nearest cell.
class Relative {
 public:
  Relative(const Planes& attribution, int64_t height, int64_t width)
      : sum_(channel_sum(attribution)), largest_(largest_magnitude(sum_)), height_(height), width_(width) {}

  double at(int64_t y, int64_t x) const {
    const double value = sum_.at(0, y * sum_.height / height_, x * sum_.width / width_);
    return largest_ > 0 ? value / largest_ : value;
  }

 private:
  Planes sum_;
  double largest_;
  int64_t height_, width_;
};

}  // namespace

Image heatmap(const Planes& attribution, int64_t height, int64_t width) {
  const Relative relative(attribution, height, width);
  Image image(height, width, 3);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Rgb color = diverging(relative.at(y, x));
      std::copy(color.begin(), color.end(), image.at(y, x));
    }
  }
  return image;
}

Image heatmap_over(const Image& input, const Planes& attribution) {
  const Relative relative(attribution, input.height, input.width);
  Image image = with_channels(with_channels(input, 1), 3);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const double value = relative.at(y, x), strength = std::min(std::abs(value), 1.0);
      // Strong colours throughout, so that only their opacity tells the amount; pale ones would look like
      // fog.
      const Rgb color = diverging(std::copysign(0.4 + 0.6 * strength, value));
      uint8_t* pixel = image.at(y, x);
      const Rgb mixed =
          blend({pixel[0], pixel[1], pixel[2]}, color, std::isnan(value) ? 1 : 0.9 * std::pow(strength, 0.6));
      std::copy(mixed.begin(), mixed.end(), pixel);
    }
  }
  return image;
}

}  // namespace onnxray::cli
