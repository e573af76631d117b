#pragma once

#include <vector>

#include "core/shape.h"

namespace onnxray::onednn {

/// Nested loops over a few arrays of one shape, outermost first. Never empty: a scalar is one trip.
struct LoopNest {
  Shape extents;
  std::vector<Strides> strides;  ///< by array, then by loop

  size_t depth() const { return extents.size(); }
  int64_t trips() const { return element_count(extents); }
};

/// The loops that visit `shape` in the order in which the first array lies in memory, with neighbouring axes
/// merged wherever every array allows it.
LoopNest collapse(const Shape& shape, std::vector<Strides> strides);

/// `strides` of an array of `shape` as it broadcasts to `rank` axes: 0 along repeated ones.
Strides broadcast_strides(const Shape& shape, const Strides& strides, size_t rank);

/// The offset of the trip with row-major number `trip` through the outer `depth` loops.
int64_t offset_of(int64_t trip, const Shape& extents, const Strides& strides, size_t depth);

/// Work below this many elements is not worth a second thread.
inline constexpr int64_t kParallelThreshold = 32768;

}  // namespace onnxray::onednn
