#pragma once

#include <vector>

#include "core/program.h"

namespace onnxray {

/// By variable of a forward pass: whether it may be infinite or NaN although the model's results are finite,
/// because a mask takes such entries out. So may be the program's inputs (a mask of -inf), constants with
/// such entries, logarithms, exponentials, and quotients and roots that nothing keeps in their domain.
/// Elementwise steps, movement and Softmax (a row of -inf is NaN) hand it on. What sums over many entries
/// does not: an infinity that meets others in a sum is not taken out again.
std::vector<bool> infinite_variables(const Program& program);

}  // namespace onnxray
