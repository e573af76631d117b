#pragma once

#include <optional>

#include "core/graph.h"

namespace onnxray {

/// Which axes of an image or a series are space or time.
struct SpatialAxes {
  std::vector<int64_t> axes;
  bool channels_last = false;
};

/// The axes that the first convolution or pool slides along, wherever the model moves them before; where
/// there is none, [C, s..] besides the samples' axis. A value of one more axis has that, and of a single
/// sample's two axes both.
SpatialAxes spatial_axes(const Graph& graph, ValueId value, std::optional<int64_t> samples);

}  // namespace onnxray
