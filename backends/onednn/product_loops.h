#pragma once

#include <cstdint>

#include "core/primitive.h"

/// The inner loops of products that take a form of each entry of b while they read it.
namespace onnxray::onednn {

/// sums[i * kTile + j] += inner product of row i of a with a form of row j of b, n numbers each, for j <
/// columns <= kTile.
inline constexpr int64_t kTile = 4;
void add_inner_products(double* sums, const float* a, int64_t rows, int64_t a_stride, const float* b,
                        int64_t columns, int64_t b_stride, int64_t n, const WeightForm& of_b);
/// y[i, j] += sum over k < count of a[i, k] * form of b[k, j] for j < n; rows are this far apart.
void add_products(float* y, int64_t y_stride, const float* a, int64_t rows, int64_t a_stride, const float* b,
                  int64_t b_stride, int64_t count, int64_t n, const WeightForm& of_b);

}  // namespace onnxray::onednn
