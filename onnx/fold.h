#pragma once

#include <vector>

#include "core/backend.h"

namespace onnxray {

/// Runs a program that has no inputs and returns its outputs in their declared types.
std::vector<Tensor> evaluate(Program program, Backend& folder);

}  // namespace onnxray
