#pragma once

#include <cstddef>
#include <cstdint>

namespace onnxray {

constexpr size_t kMaxFusedInstructions = 24;  ///< what one pass over memory can hide
/// The same where a trip through memory is saved and nothing large is read on top: both quotients of
/// alpha-beta on signed inputs take 28 instructions together.
constexpr size_t kMaxInstructionsOnSameInputs = 32;
constexpr size_t kMaxFusedInputs = 8;
/// Operands so much smaller than the result cost nothing to read.
constexpr int64_t kSmallOperand = 8;

}  // namespace onnxray
