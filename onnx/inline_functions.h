#pragma once

#include "onnx/flat_graph.h"

namespace onnxray {

/// Resolves every name of the model and expands the calls of its local functions.
/// Error(bad_file) on undefined or doubly defined values, recursive functions and malformed declarations.
FlatGraph flatten(onnx::ModelProto& model, const OpsetImports& opsets, GrowthBudget& budget);

}  // namespace onnxray
