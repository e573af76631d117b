#pragma once

#include <cstdint>
#include <vector>

#include "core/shape.h"

namespace onnxray {

/// Nested loops over a few arrays of one shape, outermost first. Never empty: a scalar is one trip.
struct LoopNest {
  Shape extents;
  std::vector<Strides> strides;  ///< by array, then by loop

  size_t depth() const { return extents.size(); }
  int64_t trips() const { return element_count(extents); }
};

enum class LoopOrder : uint8_t {
  row_major,
  memory,  ///< as the first array lies in memory
};

/// The loops that visit `shape`, without axes of extent 1 and with neighbouring axes merged wherever every
/// array allows it.
LoopNest collapse(const Shape& shape, const std::vector<Strides>& strides,
                  LoopOrder order = LoopOrder::memory);

/// `strides` of an array of `shape` as it broadcasts to `rank` axes: 0 along repeated ones.
Strides broadcast_strides(const Shape& shape, const Strides& strides, size_t rank);

/// `values` without entry `axis`.
std::vector<int64_t> without(std::vector<int64_t> values, int64_t axis);

}  // namespace onnxray
