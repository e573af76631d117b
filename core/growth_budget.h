#pragma once

#include <cstdint>
#include <string_view>

namespace onnxray {

/// Bounds what a model makes of itself before it runs: constants that are folded, loops that are unrolled,
/// tables, functions that are expanded, names. A hundred bytes of a file can ask for gigabytes; what exceeds
/// the budget is refused before it is allocated.
class GrowthBudget {
 public:
  explicit GrowthBudget(int64_t bytes) : bytes_(bytes), left_(bytes) {}

  /// Bytes that a file of `file_bytes` may grow by where nobody says otherwise: 64 times its size, and 1 GB
  /// at least.
  static int64_t of_file(int64_t file_bytes);

  /// Takes `count` times `each` bytes for `what`, e.g. "a table". Error(unsupported) with the figure where
  /// they are more than is left.
  void spend(int64_t count, int64_t each, std::string_view what);
  /// The same for arithmetic that is done once, to find a constant.
  void spend_flops(double flops, std::string_view what);
  /// The same Error for what will be spent piece by piece.
  void expect(double count, double each, std::string_view what) const;

 private:
  int64_t bytes_, left_;
};

}  // namespace onnxray
