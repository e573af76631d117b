#include "backends/onednn/product_loops.h"

#include "backends/onednn/weight_form.h"

namespace onnxray::onednn {

namespace {

constexpr int64_t kTileLanes = 16;
using Lanes = float __attribute__((vector_size(kTileLanes * sizeof(float)), aligned(4), may_alias));
/// Inner products of I rows of a with J rows of b, whose partial sums stay in registers.
template <Form form, int I, int J>
ONNXRAY_INLINE void add_tile(double* sums, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                             int64_t n, float gamma) {
  Lanes part[I][J] = {};
  int64_t k = 0;
  for (; k + kTileLanes <= n; k += kTileLanes) {
    Lanes w[J];
#pragma GCC unroll 4
    for (int j = 0; j < J; ++j) {
      w[j] = *reinterpret_cast<const Lanes*>(b + j * b_stride + k);
      take<form>(w[j], gamma);
    }
#pragma GCC unroll 4
    for (int i = 0; i < I; ++i) {
      const Lanes x = *reinterpret_cast<const Lanes*>(a + i * a_stride + k);
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) part[i][j] += x * w[j];
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < I; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < J; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < kTileLanes; ++l) sum += static_cast<double>(part[i][j][l]);
      for (int64_t l = k; l < n; ++l) {
        sum += static_cast<double>(a[i * a_stride + l]) *
               static_cast<double>(taken<form>(b[j * b_stride + l], gamma));
      }
      sums[i * kTile + j] += sum;
    }
  }
}

}  // namespace

ONNXRAY_EACH_ISA
void add_inner_products(double* sums, const float* a, int64_t rows, int64_t a_stride, const float* b,
                        int64_t columns, int64_t b_stride, int64_t n, const WeightForm& of_b) {
  const auto gamma = static_cast<float>(of_b.gamma);
  with_form(
      of_b.kind, [&]<Form form>() __attribute__((always_inline)) {
        int64_t i = 0;
        if (columns == kTile) {
          for (; i + kTile <= rows; i += kTile)
            add_tile<form, kTile, kTile>(sums + i * kTile, a + i * a_stride, a_stride, b, b_stride, n, gamma);
          for (; i < rows; ++i)
            add_tile<form, 1, kTile>(sums + i * kTile, a + i * a_stride, a_stride, b, b_stride, n, gamma);
          return;
        }
        for (; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j)
            add_tile<form, 1, 1>(sums + i * kTile + j, a + i * a_stride, a_stride, b + j * b_stride, b_stride,
                                 n, gamma);
        }
      });
}

namespace {

/// I rows of y += the products of I rows of a with kTile rows of b.
template <Form form, int I>
ONNXRAY_INLINE void add_rank_four(float* y, int64_t y_stride, const float* a, int64_t a_stride,
                                  const float* b, int64_t b_stride, int64_t n, float gamma) {
  float w[I][kTile];
  for (int i = 0; i < I; ++i) {
    for (int k = 0; k < kTile; ++k) w[i][k] = a[i * a_stride + k];
  }
  int64_t j = 0;
  for (; j + kTileLanes <= n; j += kTileLanes) {
    Lanes x[kTile];
#pragma GCC unroll 4
    for (int k = 0; k < kTile; ++k) {
      x[k] = *reinterpret_cast<const Lanes*>(b + k * b_stride + j);
      take<form>(x[k], gamma);
    }
#pragma GCC unroll 4
    for (int i = 0; i < I; ++i) {
      auto* to = reinterpret_cast<Lanes*>(y + i * y_stride + j);
      *to += (w[i][0] * x[0] + w[i][1] * x[1]) + (w[i][2] * x[2] + w[i][3] * x[3]);
    }
  }
  for (; j < n; ++j) {
    for (int i = 0; i < I; ++i) {
      for (int k = 0; k < kTile; ++k)
        y[i * y_stride + j] += w[i][k] * taken<form>(b[k * b_stride + j], gamma);
    }
  }
}

}  // namespace

ONNXRAY_EACH_ISA
void add_products(float* y, int64_t y_stride, const float* a, int64_t rows, int64_t a_stride, const float* b,
                  int64_t b_stride, int64_t count, int64_t n, const WeightForm& of_b) {
  const auto gamma = static_cast<float>(of_b.gamma);
  with_form(
      of_b.kind, [&]<Form form>() __attribute__((always_inline)) {
        int64_t k = 0;
        for (; k + kTile <= count; k += kTile) {
          const float* of_k = b + k * b_stride;
          int64_t i = 0;
          for (; i + kTile <= rows; i += kTile)
            add_rank_four<form, kTile>(y + i * y_stride, y_stride, a + i * a_stride + k, a_stride, of_k,
                                       b_stride, n, gamma);
          for (; i < rows; ++i)
            add_rank_four<form, 1>(y + i * y_stride, y_stride, a + i * a_stride + k, a_stride, of_k, b_stride,
                                   n, gamma);
        }
        for (; k < count; ++k) {
          for (int64_t i = 0; i < rows; ++i) {
            const float w = a[i * a_stride + k];
#pragma omp simd
            for (int64_t j = 0; j < n; ++j)
              y[i * y_stride + j] += w * taken<form>(b[k * b_stride + j], gamma);
          }
        }
      });
}

}  // namespace onnxray::onednn
