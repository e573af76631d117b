#pragma once

#include <vector>

#include "cli/colormap.h"
#include "cli/image.h"

namespace onnxray::cli {

/// Draws thick anti-aliased line segments. Each pixel keeps the segment that covers it most and is blended
/// once, so joints of a curve show no dots.
class LineRaster {
 public:
  LineRaster(int64_t height, int64_t width);

  struct Point {
    double x, y, value;  ///< pixel centres lie at half-integers; the value picks the colour
  };
  void add_segment(Point a, Point b, double thickness);

  /// Blends the segments over an RGB image of the raster's size, coloured by `diverging_line`.
  void draw_on(Image& image) const;

 private:
  struct Cover {
    float amount = 0, value = 0;
  };
  int64_t height_, width_;
  std::vector<Cover> covers_;
};

}  // namespace onnxray::cli
