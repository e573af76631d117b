#pragma once

#include <cstdint>
#include <optional>

namespace onnxray {

/// Entries along one axis, as numpy's slices choose them: every step-th from `start` up to `stop`, which is
/// not among them. Negative numbers count from the end; what is left out reaches as far as the axis.
struct Range {
  std::optional<int64_t> start = {}, stop = {};
  int64_t step = 1;  ///< above 0

  static Range all() { return {}; }
  /// One entry; -1 is the last.
  static Range at(int64_t index) {
    return {index, index == -1 ? std::optional<int64_t>() : std::optional<int64_t>(index + 1)};
  }
  static Range from(int64_t start) { return {start}; }
  bool operator==(const Range&) const = default;
};

}  // namespace onnxray
