#pragma once

#include <vector>

#include "core/program.h"

namespace onnxray {

/// For each variable, whether it reaches a denominator or a comparison through steps that mix no places far
/// apart: elementwise chains, movement, pooling, reductions. Where such a value should be exactly 0, or small
/// beside its neighbours, an error relative to the neighbours is as wrong as it can be; a product's result
/// that only adds up may have one. A comparison minds exact zeros alone, and behind a bias without zeros
/// there are none to mind.
std::vector<bool> find_denominators(const Program& program);

}  // namespace onnxray
