#include "cli/line_raster.h"

#include <algorithm>
#include <cmath>

namespace onnxray::cli {

LineRaster::LineRaster(int64_t height, int64_t width)
    : height_(height), width_(width), covers_(static_cast<size_t>(height * width)) {}

void LineRaster::add_segment(Point a, Point b, double thickness) {
  const double reach = thickness / 2 + 1;
  const auto first = [&](double u, double v) {
    return std::max<int64_t>(0, static_cast<int64_t>(std::floor(std::min(u, v) - reach)));
  };
  const auto last = [&](double u, double v, int64_t end) {
    return std::min(end, static_cast<int64_t>(std::ceil(std::max(u, v) + reach)));
  };
  const double dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
  for (int64_t y = first(a.y, b.y); y < last(a.y, b.y, height_); ++y) {
    for (int64_t x = first(a.x, b.x); x < last(a.x, b.x, width_); ++x) {
      const double px = static_cast<double>(x) + 0.5 - a.x, py = static_cast<double>(y) + 0.5 - a.y;
      const double along = squared > 0 ? std::clamp((px * dx + py * dy) / squared, 0.0, 1.0) : 0;
      const double distance = std::hypot(px - along * dx, py - along * dy);
      const auto amount = static_cast<float>(std::clamp(thickness / 2 + 0.5 - distance, 0.0, 1.0));
      Cover& cover = covers_[static_cast<size_t>(y * width_ + x)];
      if (amount > cover.amount) cover = {amount, static_cast<float>(a.value + along * (b.value - a.value))};
    }
  }
}

void LineRaster::draw_on(Image& image) const {
  for (size_t i = 0; i < covers_.size(); ++i) {
    const Cover& cover = covers_[i];
    if (cover.amount <= 0) continue;
    uint8_t* pixel = image.pixels.data() + 3 * i;
    const Rgb mixed = blend({pixel[0], pixel[1], pixel[2]}, diverging_line(cover.value), cover.amount);
    std::copy(mixed.begin(), mixed.end(), pixel);
  }
}

}  // namespace onnxray::cli
