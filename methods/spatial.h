#pragma once

#include "core/graph.h"

namespace onnxray {

/// Which axes of an image or a series are space or time.
struct SpatialAxes {
  std::vector<int64_t> axes;
  bool channels_last = false;
};

/// The axes that the first convolution or pool slides along, wherever the model moves them before; where
/// there is none, [N, C, s..]. A value of rank 2 has its second axis, one of rank 1 none.
SpatialAxes spatial_axes(const Graph& graph, ValueId value);

}  // namespace onnxray
