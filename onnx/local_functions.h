#pragma once

#include "onnx/flat_graph.h"

namespace onnxray {

/// The model's local functions by `function_key`. Error(bad_file) where two have the same key.
std::map<std::string, LocalFunction> read_functions(onnx::ModelProto& model);

/// The local function that a node calls, or nullptr.
LocalFunction* find_function(std::map<std::string, LocalFunction>& functions, const onnx::NodeProto& node);

}  // namespace onnxray
