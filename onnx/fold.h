#pragma once

#include <span>
#include <vector>

#include "core/backend.h"

namespace onnxray {

/// Runs a program, one that has no inputs unless they are given, and returns its outputs in their declared
/// types.
std::vector<Tensor> evaluate(Program program, Backend& backend, std::span<const Tensor> inputs = {});

}  // namespace onnxray
