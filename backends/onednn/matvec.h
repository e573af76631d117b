#pragma once

#include <memory>
#include <vector>

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

/// One of the products that read b together.
struct FewRows {
  Matrix a, y;
  WeightForm form;
};

/// (a0, a1, ..., b[, bias of y's columns]) -> y_i = a_i form_i(b) + bias, for at most kFewRows rows of each a
/// and a b with a unit stride, which is read from memory once.
std::unique_ptr<Kernel> make_matvec(std::vector<FewRows> products, const Matrix& b, bool has_bias);

}  // namespace onnxray::onednn
