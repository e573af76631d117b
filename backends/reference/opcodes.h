#pragma once

#include <cstdint>

#include "core/expression.h"

namespace onnxray::reference {

/// y[i] = op(a[i], b[i], c[i]) for i < n; operands that `op` does not take may be null. y may be an operand.
/// The meaning of every Opcode in the domains of reals (float, double) and integers (int64_t).
template <class D>
void apply(Opcode op, int64_t n, D* y, const D* a, const D* b, const D* c);

}  // namespace onnxray::reference
