#pragma once

#include "backends/loop_nest.h"

namespace onnxray::onednn {

/// The offset of the trip with row-major number `trip` through the outer `depth` loops.
int64_t offset_of(int64_t trip, const Shape& extents, const Strides& strides, size_t depth);

/// Work below this many elements is not worth a second thread.
inline constexpr int64_t kParallelThreshold = 32768;

}  // namespace onnxray::onednn
