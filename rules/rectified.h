#pragma once

#include "core/program.h"

namespace onnxray {

/// Relu(z), where the relevance R that arrives at z is 0 wherever Relu(z) is, as the program itself shows:
/// every share of R has been multiplied by it, perhaps behind max pooling. Then R / z is R / Relu(z), and z
/// need not be kept. Unset otherwise.
Var rectified_twin(const Program& program, Var R, Var z);

/// The same for a Relu that may be capped (Relu6): R is 0 wherever z <= 0.
bool vanishes_behind_relu(const Program& program, Var R, Var z);

}  // namespace onnxray
