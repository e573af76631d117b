#pragma once

#include <string>
#include <vector>

#include "core/primitive.h"

namespace onnxray {

/// How Resize reads between the elements of an axis; the names are those of its attributes.
struct Interpolation {
  enum class Mode : uint8_t { nearest, linear, cubic } mode = Mode::nearest;
  std::string coordinates = "half_pixel";
  std::string rounding = "round_prefer_floor";  ///< nearest_mode
  double cubic_a = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
};

/// One resized axis. `scale` is out / in up to the rounding of `out`; the region of interest is in units of
/// the axis.
struct ResizeAxis {
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_begin = 0, roi_end = 1;
};

/// The places of an output axis as weighted places of the input axis.
struct AxisInterpolation {
  AxisTable table;
  std::vector<bool>
      extrapolated;  ///< outputs that lie outside of the input (tf_crop_and_resize); their rows are empty
};

/// Throws Error(bad_file) on an unknown name. `axis.in` must be positive.
AxisInterpolation interpolate(const Interpolation& how, const ResizeAxis& axis);

/// How many numbers the table of interpolate() holds at most.
int64_t most_entries(const Interpolation& how, const ResizeAxis& axis);

/// Whether the table copies its input.
bool is_identity(const AxisTable& table);

}  // namespace onnxray
