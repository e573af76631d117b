#include "methods/target_region.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

namespace {

/// 1 at the places of an axis that a range chooses.
std::vector<double> places(const Range& range, int64_t extent) {
  const auto from_start = [&](int64_t place) {
    return std::clamp<int64_t>(place < 0 ? place + extent : place, 0, extent);
  };
  std::vector<double> chosen(static_cast<size_t>(extent), 0.0);
  const int64_t stop = from_start(range.stop.value_or(extent));
  for (int64_t k = from_start(range.start.value_or(0)); k < stop; k += range.step)
    chosen[static_cast<size_t>(k)] = 1;
  return chosen;
}

}  // namespace

std::vector<double> region_weights(const std::vector<Range>& ranges, const Shape& extents) {
  std::vector<double> weights{1};
  for (size_t axis = 0; axis < ranges.size(); ++axis) {
    require(ranges[axis].step > 0 && ranges[axis].step < (int64_t{1} << 31), ErrorCode::usage,
            "target {}: a range needs a step above 0", to_string(ranges));
    const std::vector<double> along = places(ranges[axis], extents[axis]);
    require(std::ranges::count(along, 1.0) > 0, ErrorCode::usage,
            "target {} chooses nothing on axis {} of {}", to_string(ranges), axis, to_string(extents));
    std::vector<double> product;
    product.reserve(weights.size() * along.size());
    for (const double w : weights) {
      for (const double a : along) product.push_back(w * a);
    }
    weights = std::move(product);
  }
  return weights;
}

std::string to_string(const std::vector<Range>& ranges) {
  std::vector<std::string> texts;
  for (const Range& r : ranges) {
    const auto number = [](const std::optional<int64_t>& n) { return n ? std::to_string(*n) : ""; };
    if (r.start && r == Range::at(*r.start))
      texts.push_back(number(r.start));
    else
      texts.push_back(number(r.start) + ":" + number(r.stop) +
                      (r.step != 1 ? fmt::format(":{}", r.step) : ""));
  }
  return fmt::format("[{}]", fmt::join(texts, ","));
}

}  // namespace onnxray
