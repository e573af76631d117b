#pragma once

#include <cstddef>

namespace onnxray {

constexpr size_t kMaxFusedInstructions = 24;  ///< what one pass over memory can hide
constexpr size_t kMaxFusedInputs = 8;

}  // namespace onnxray
