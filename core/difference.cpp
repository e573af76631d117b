#include "core/difference.h"

#include <algorithm>
#include <cmath>

namespace onnxray {

namespace {

/// Of one sample, or of all that is given to it.
class Comparison {
 public:
  void add(double found, double expected) {
    if (!std::isfinite(found) || !std::isfinite(expected)) {
      const bool is_same = found == expected || (std::isnan(found) && std::isnan(expected));
      if (!is_same) largest_difference_ = INFINITY;
      return;
    }
    largest_difference_ = std::max(largest_difference_, std::fabs(found - expected));
    largest_ = std::max(largest_, std::fabs(expected));
  }

  double relative() const { return largest_difference_ == 0 ? 0 : largest_difference_ / largest_; }

 private:
  double largest_difference_ = 0, largest_ = 0;
};

}  // namespace

double relative_difference(const Tensor& found, const Tensor& expected, std::optional<int64_t> sample_axis) {
  const Shape& shape = expected.shape();
  if (found.shape() != shape) return INFINITY;
  const auto axis = static_cast<size_t>(sample_axis.value_or(0));
  const int64_t samples = sample_axis ? shape[axis] : 1;
  const int64_t inner = sample_axis ? count_between(shape, axis + 1, shape.size()) : 1;
  std::vector<Comparison> by_sample(static_cast<size_t>(samples));
  for (int64_t i = 0; i < expected.size(); ++i)
    by_sample[static_cast<size_t>(i / inner % samples)].add(found.as_double(i), expected.as_double(i));
  double worst = 0;
  for (const Comparison& sample : by_sample) worst = std::max(worst, sample.relative());
  return worst;
}

}  // namespace onnxray
