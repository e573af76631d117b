#include "cli/image.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"

namespace onnxray::cli {

Image blank_image(int64_t height, int64_t width, uint8_t gray) {
  return {height, width, 3, std::vector<uint8_t>(static_cast<size_t>(height * width * 3), gray)};
}

namespace {

struct Tap {
  int64_t first = 0;
  std::vector<double> weights;
};

/// For each output place the inputs that it mixes: a triangle as wide as max(1, in / out), centred half-pixel.
std::vector<Tap> triangle_filter(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), radius = std::max(1.0, scale);
  std::vector<Tap> taps;
  for (int64_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - radius)));
    const auto last = std::min<int64_t>(in, static_cast<int64_t>(std::ceil(centre + radius)));
    Tap tap{first, {}};
    double total = 0;
    for (int64_t i = first; i < last; ++i) {
      tap.weights.push_back(std::max(0.0, 1 - std::fabs(static_cast<double>(i) + 0.5 - centre) / radius));
      total += tap.weights.back();
    }
    for (double& w : tap.weights) w /= total;
    taps.push_back(std::move(tap));
  }
  return taps;
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width) {
  if (height == image.height && width == image.width) return image;
  require(height > 0 && width > 0 && image.height > 0 && image.width > 0, ErrorCode::usage, "cannot resize an image to {}x{}", height, width);
  const std::vector<Tap> columns = triangle_filter(image.width, width), rows = triangle_filter(image.height, height);
  const int64_t c = image.channels;
  std::vector<double> wide(static_cast<size_t>(image.height * width * c));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Tap& tap = columns[static_cast<size_t>(x)];
      for (int64_t k = 0; k < c; ++k) {
        double sum = 0;
        for (size_t i = 0; i < tap.weights.size(); ++i) sum += tap.weights[i] * image.at(y, tap.first + static_cast<int64_t>(i), k);
        wide[static_cast<size_t>((y * width + x) * c + k)] = sum;
      }
    }
  }
  Image result{height, width, c, std::vector<uint8_t>(static_cast<size_t>(height * width * c))};
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = rows[static_cast<size_t>(y)];
    for (int64_t j = 0; j < width * c; ++j) {
      double sum = 0;
      for (size_t i = 0; i < tap.weights.size(); ++i) {
        sum += tap.weights[i] * wide[static_cast<size_t>((tap.first + static_cast<int64_t>(i)) * width * c + j)];
      }
      result.pixels[static_cast<size_t>(y * width * c + j)] = static_cast<uint8_t>(std::clamp(std::lround(sum), 0L, 255L));
    }
  }
  return result;
}

Image centre_crop(const Image& image, int64_t height, int64_t width) {
  require(height <= image.height && width <= image.width, ErrorCode::usage, "cannot crop {}x{} out of an image of {}x{}", height, width,
          image.height, image.width);
  const int64_t top = (image.height - height) / 2, left = (image.width - width) / 2;
  Image result{height, width, image.channels, {}};
  for (int64_t y = 0; y < height; ++y) {
    const auto row = image.pixels.begin() + ((top + y) * image.width + left) * image.channels;
    result.pixels.insert(result.pixels.end(), row, row + width * image.channels);
  }
  return result;
}

Image with_channels(const Image& image, int64_t channels) {
  if (channels == image.channels) return image;
  Image result{image.height, image.width, channels, {}};
  for (int64_t i = 0; i < image.height * image.width; ++i) {
    const auto* p = image.pixels.data() + i * image.channels;
    if (channels == 3) {
      result.pixels.insert(result.pixels.end(), {p[0], p[0], p[0]});
    } else {
      // ITU-R BT.601 luma
      result.pixels.push_back(static_cast<uint8_t>(std::lround(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])));
    }
  }
  return result;
}

}  // namespace onnxray::cli
