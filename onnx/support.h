#pragma once

#include "onnx/flat_graph.h"
#include "ops/op.h"

namespace onnxray {

/// Judges the nodes at `live` (indices into flat.nodes) and the values that they read. Throws one
/// Error(unsupported) that lists every operator, attribute and tensor that cannot be handled.
void check_support(const FlatGraph& flat, const std::vector<size_t>& live, const OpRegistry& ops);

}  // namespace onnxray
