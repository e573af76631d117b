#pragma once

#include <cstdint>

#include "core/expression.h"

namespace onnxray::onednn {

/// Whether apply() knows `op`.
bool has_loop(Opcode op);

/// y[i] = op(a[i], b[i], c[i]) for i < n. Operands that `op` lacks are not read. `y` may be one of the
/// operands.
void apply(Opcode op, float* y, const float* a, const float* b, const float* c, int64_t n);

/// y[i] = x[i], converted.
void load_bytes(float* y, const uint8_t* x, int64_t n);
void load_integers(float* y, const int64_t* x, int64_t n);
/// y[i] = x[i] != 0.
void store_mask(uint8_t* y, const float* x, int64_t n);
/// The same with bits, the lowest of a byte first. The bits of the last byte behind n become 0.
void load_bits(float* y, const uint8_t* x, int64_t n);
void store_bits(uint8_t* y, const float* x, int64_t n);

}  // namespace onnxray::onednn
