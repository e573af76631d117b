#include "cli/resize.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"

namespace onnxray::cli {
namespace {

/// The source pixels of one destination pixel along one axis; weights sum to 1.
struct Tap {
  int64_t first = 0;
  std::vector<double> weights;
};

std::vector<Tap> triangle_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    Tap& tap = taps[static_cast<size_t>(i)];
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    tap.first = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const int64_t last = std::min(from, static_cast<int64_t>(centre + support + 0.5));
    double sum = 0;
    for (int64_t j = tap.first; j < last; ++j) {
      const double distance = std::abs(static_cast<double>(j) + 0.5 - centre) / support;
      tap.weights.push_back(std::max(0.0, 1 - distance));
      sum += tap.weights.back();
    }
    for (double& w : tap.weights) w /= sum;
  }
  return taps;
}

uint8_t weighted(const Tap& tap, const uint8_t* src, int64_t stride) {
  double sum = 0.5;
  for (size_t j = 0; j < tap.weights.size(); ++j)
    sum += tap.weights[j] * src[static_cast<int64_t>(j) * stride];
  return static_cast<uint8_t>(std::clamp(sum, 0.0, 255.0));
}

Image resized_width(const Image& image, int64_t width) {
  if (width == image.width) return image;
  Image result(image.height, width, image.channels);
  const auto taps = triangle_taps(image.width, width);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Tap& tap = taps[static_cast<size_t>(x)];
      for (int64_t c = 0; c < image.channels; ++c) {
        result.at(y, x)[c] = weighted(tap, image.at(y, tap.first) + c, image.channels);
      }
    }
  }
  return result;
}

Image resized_height(const Image& image, int64_t height) {
  if (height == image.height) return image;
  Image result(height, image.width, image.channels);
  const auto taps = triangle_taps(image.height, height);
  const int64_t row = image.width * image.channels;
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = taps[static_cast<size_t>(y)];
    for (int64_t x = 0; x < row; ++x) result.at(y, 0)[x] = weighted(tap, image.at(tap.first, 0) + x, row);
  }
  return result;
}

}  // namespace

Image resized(const Image& image, int64_t height, int64_t width) {
  constexpr int64_t kMostPixels = int64_t{1} << 27;
  const bool fits = height <= kMostPixels && width <= kMostPixels && height * width <= kMostPixels &&
                    image.height * width <= kMostPixels;  // in between, the width alone has changed
  require(fits, ErrorCode::usage,
          "an image of {} x {} would be resized to {} x {}: more than {} pixels are refused", image.height,
          image.width, height, width, kMostPixels);
  return resized_height(resized_width(image, width), height);
}

Image resized_shorter_side(const Image& image, int64_t side) {
  const int64_t shorter = std::min(image.height, image.width);
  const auto scaled = [&](int64_t extent) { return extent == shorter ? side : side * extent / shorter; };
  return resized(image, scaled(image.height), scaled(image.width));
}

}  // namespace onnxray::cli
