#pragma once

#include "ops/op.h"

namespace onnxray {

/// Input i, which must broadcast to `shape` without enlarging it. Throws Error(bad_file) where it does not.
Var broadcast_operand(const LowerContext& context, size_t i, const Shape& shape);

}  // namespace onnxray
