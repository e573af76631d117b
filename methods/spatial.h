#pragma once

#include "core/graph.h"

namespace onnxray {

/// Which axes of an image or a series are space or time.
struct SpatialAxes {
  std::vector<int64_t> axes;
  bool channels_last = false;
};

/// [N, C, s..], unless the model turns the value from [N, s.., C] to that before it does anything else with
/// it. A value of rank 2 has its second axis, one of rank 1 none.
SpatialAxes spatial_axes(const Graph& graph, ValueId value);

}  // namespace onnxray
