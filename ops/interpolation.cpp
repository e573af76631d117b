#include "ops/interpolation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/checked.h"

namespace onnxray {

namespace {

/// The input coordinate of output place `o`.
double source_coordinate(const std::string& mode, const ResizeAxis& axis, int64_t o) {
  const double x = static_cast<double>(o), in = static_cast<double>(axis.in), resized = axis.scale * in;
  const double centred = (x + 0.5) / axis.scale - 0.5;
  if (mode == "half_pixel") return centred;
  if (mode == "asymmetric") return x / axis.scale;
  if (mode == "align_corners") return resized == 1 ? 0 : x * (in - 1) / (resized - 1);
  if (mode == "pytorch_half_pixel") return resized == 1 ? -0.5 : centred;
  if (mode == "tf_half_pixel_for_nn") return (x + 0.5) / axis.scale;
  // The centre of the input meets the centre of the output even where out is not scale * in.
  if (mode == "half_pixel_symmetric") return in / 2 * (1 - static_cast<double>(axis.out) / resized) + centred;
  require(mode == "tf_crop_and_resize", ErrorCode::bad_file, "unknown coordinate_transformation_mode '{}'",
          mode);
  const double length = axis.roi_end - axis.roi_begin;
  const double inside = resized == 1 ? length * (in - 1) / 2 : x * length * (in - 1) / (resized - 1);
  return inside + axis.roi_begin * (in - 1);
}

int64_t nearest_place(const std::string& rounding, double x) {
  // Scales are float32: 1 / (1/3) must be 3, and ties must be ties. No real coordinate is that close to one.
  const double half = std::round(2 * x) / 2;
  if (std::abs(x - half) < 1e-5) x = half;
  const double below = std::floor(x);
  double place = 0;
  if (rounding == "floor")
    place = below;
  else if (rounding == "ceil")
    place = std::ceil(x);
  else if (rounding == "round_prefer_floor")
    place = x - below <= 0.5 ? below : below + 1;
  else if (rounding == "round_prefer_ceil")
    place = x - below < 0.5 ? below : below + 1;
  else
    fail(ErrorCode::bad_file, "unknown nearest_mode '{}'", rounding);
  return checked_whole(place, "the place of a sample");
}

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

// Keys' kernel: (a+2)|x|^3 - (a+3)|x|^2 + 1 up to 1, a|x|^3 - 5a|x|^2 + 8a|x| - 4a up to 2.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Weighted places around x before clamping; `first` may be negative.
struct Taps {
  int64_t first = 0;
  std::vector<double> weight;
};

// w[i] = kernel(stretch * (i - x)), where stretch < 1 widens the kernel to the footprint of an output place.
Taps kernel_taps(const Interpolation& how, double x, double scale) {
  const bool is_cubic = how.mode == Interpolation::Mode::cubic;
  const double stretch = how.antialias ? std::min(scale, 1.0) : 1.0;
  const int64_t reach =
      checked_whole(std::floor((is_cubic ? -2 : -1) / stretch), "the reach of a sample") + 1;  // <= 0
  const int64_t base = checked_whole(std::ceil(x), "the place of a sample") - 1;
  Taps taps{.first = base + reach, .weight = {}};
  for (int64_t i = taps.first; i <= base + 1 - reach; ++i) {
    const double distance = stretch * (static_cast<double>(i) - x);
    taps.weight.push_back(is_cubic ? cubic(distance, how.cubic_a) : triangle(distance));
  }
  return taps;
}

/// Places outside of the axis count as its edge, or not at all; weights sum to 1.
std::map<int64_t, double> clamped(const Taps& taps, int64_t extent, bool exclude_outside) {
  std::map<int64_t, double> row;
  double total = 0;
  for (size_t k = 0; k < taps.weight.size(); ++k) {
    const int64_t at = taps.first + static_cast<int64_t>(k), inside = std::clamp<int64_t>(at, 0, extent - 1);
    if (exclude_outside && at != inside) continue;
    row[inside] += taps.weight[k];
    total += taps.weight[k];
  }
  std::erase_if(row, [](const auto& tap) { return tap.second == 0; });
  if (total != 0) {
    for (auto& [place, weight] : row) weight /= total;
  }
  return row;
}

std::map<int64_t, double> row_of(const Interpolation& how, const ResizeAxis& axis, double x) {
  if (how.mode != Interpolation::Mode::nearest)
    return clamped(kernel_taps(how, x, axis.scale), axis.in, how.exclude_outside);
  return {{std::clamp<int64_t>(nearest_place(how.rounding, x), 0, axis.in - 1), 1.0}};
}

}  // namespace

AxisInterpolation interpolate(const Interpolation& how, const ResizeAxis& axis) {
  AxisInterpolation result{
      .table = {.in = axis.in, .out = axis.out, .offsets = {0}, .index = {}, .weight = {}},
      .extrapolated = {}};
  AxisTable& table = result.table;
  for (int64_t o = 0; o < axis.out; ++o) {
    const double x = source_coordinate(how.coordinates, axis, o);
    const bool outside =
        how.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(axis.in - 1));
    result.extrapolated.push_back(outside);
    if (!outside) {
      for (const auto& [place, weight] : row_of(how, axis, x)) {
        table.index.push_back(place);
        table.weight.push_back(weight);
      }
    }
    table.offsets.push_back(static_cast<int64_t>(table.index.size()));
  }
  return result;
}

int64_t most_entries(const Interpolation& how, const ResizeAxis& axis) {
  const double reach = how.mode == Interpolation::Mode::cubic ? 2 : 1,
               stretch = how.antialias ? std::min(axis.scale, 1.0) : 1;
  const double taps = how.mode == Interpolation::Mode::nearest ? 1 : 2 * reach / stretch + 2;
  // A place and a weight for each tap, and where the row ends.
  return static_cast<int64_t>(std::min(static_cast<double>(axis.out) * (2 * taps + 1), 0x1p62));
}

bool is_identity(const AxisTable& table) {
  if (table.in != table.out || static_cast<int64_t>(table.index.size()) != table.out) return false;
  for (int64_t o = 0; o < table.out; ++o) {
    const auto at = static_cast<size_t>(o);
    if (table.offsets[at] != o || table.index[at] != o || table.weight[at] != 1) return false;
  }
  return true;
}

}  // namespace onnxray
