#pragma once

#include "core/program.h"

namespace onnxray {

/// Whether the relevance R that arrives at z is 0 wherever z <= 0, as the program itself shows: z goes on
/// through Relu(z) alone, and every share that comes back has been multiplied by it, perhaps behind max
/// pooling.
bool vanishes_behind_relu(const Program& program, Var R, Var z);

}  // namespace onnxray
