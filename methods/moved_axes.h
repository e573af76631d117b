#pragma once

#include "core/graph.h"

namespace onnxray {

/// Where axes of a node's first input are in a value that it writes, for nodes that move entries; empty where
/// one of the axes is split, merged, cut, or not found.
std::vector<int64_t> moved_axes(const Graph& graph, const Node& node, ValueId value,
                                std::vector<int64_t> axes);

/// The extents of the other axes.
Shape without_axes(const Shape& shape, const std::vector<int64_t>& axes);

}  // namespace onnxray
