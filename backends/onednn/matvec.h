#pragma once

#include <memory>

#include "core/kernel.h"

namespace onnxray::onednn {

/// The last two axes of an operand, as a product sees them.
struct Matrix {
  int64_t rows = 0, columns = 0, row_stride = 0, column_stride = 0;

  bool has_unit_stride() const { return row_stride == 1 || column_stride == 1; }
};

/// Up to this many rows of a, a large product waits for memory: b is read once, as it lies, so that one copy
/// of a weight serves both directions.
inline constexpr int64_t kFewRows = 8;

/// (a, b[, bias of y's columns]) -> y = a b + bias, for at most kFewRows rows of a and a b with a unit
/// stride.
std::unique_ptr<Kernel> make_matvec(const Matrix& a, const Matrix& b, const Matrix& y, bool has_bias);

}  // namespace onnxray::onednn
