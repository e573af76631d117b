#pragma once

#include "ops/op.h"

namespace onnxray {

/// A scale or zero point so shaped that it broadcasts over `shape`: one number; one for each place of the
/// attribute `axis` (default 1); or one for each block of `block_size` places of it.
Var spread(LowerContext& context, Var s, const Shape& shape);

/// round(x / scale), half to even (or floor), plus the zero point (which may be unset), in real numbers.
Var steps_of(LowerContext& context, Var x, Var scale, Var zero_point, Opcode rounding = Opcode::round);

/// What DynamicQuantizeLinear finds: the range [min(0, min x), max(0, max x)] in 255 steps. Both are real
/// numbers. A tensor of zeros has the scale 1, as in ONNX Runtime; NaN in x makes everything NaN.
struct DynamicGrid {
  Var scale, zero;
};
DynamicGrid dynamic_grid(Builder& builder, Var x);

}  // namespace onnxray
