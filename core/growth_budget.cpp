#include "core/growth_budget.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

namespace {

// What folds constants does about a flop in a nanosecond, so that the least budget is spent in seconds.
constexpr double kFlopsPerByte = 4;

double megabytes(double bytes) { return bytes / (1 << 20); }

}  // namespace

int64_t GrowthBudget::of_file(int64_t file_bytes) {
  constexpr int64_t kLeast = int64_t{1} << 30, kFactor = 64;
  return std::max(kLeast, kFactor * file_bytes);
}

void GrowthBudget::expect(double count, double each, std::string_view what) const {
  const double bytes = count * each;
  require(
      bytes <= static_cast<double>(left_), ErrorCode::unsupported,
      "{} would take {:.4g} MB; of the {:.4g} MB that this model may grow by before it runs {:.4g} MB are "
      "left (max_growth sets them)",
      what, megabytes(bytes), megabytes(static_cast<double>(bytes_)), megabytes(static_cast<double>(left_)));
}

void GrowthBudget::spend(int64_t count, int64_t each, std::string_view what) {
  expect(static_cast<double>(count), static_cast<double>(each), what);
  left_ -= count * each;
}

void GrowthBudget::spend_flops(double flops, std::string_view what) {
  // Beyond 2^62 no integer holds it, and no budget.
  spend(static_cast<int64_t>(std::min(flops / kFlopsPerByte, 0x1p62)), 1, what);
}

}  // namespace onnxray
