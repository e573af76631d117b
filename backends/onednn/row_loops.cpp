#include "backends/onednn/row_loops.h"

#include <algorithm>
#include <limits>

#include "backends/onednn/vector_math.h"

namespace onnxray::onednn {

namespace {

/// Channels that stay in registers while the taps pass by.
constexpr int64_t kLanes = 64;
/// Elements summed in float before they join a total in double: bounds the rounding error of long sums.
constexpr int64_t kShortSum = 64;

// Comparisons with NaN are false: either operand's NaN comes out.
ONNXRAY_INLINE float larger(float a, float b) { return blend(a > b || a != a, a, b); }
ONNXRAY_INLINE float smaller(float a, float b) { return blend(a < b || a != a, a, b); }

float start_of(Reduce::Kind kind) { return static_cast<float>(combination_start(kind)); }

template <class F>
ONNXRAY_INLINE void combine_rows(float* part, const float* x, int64_t rows, int64_t stride, int64_t n, F f) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * stride;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) part[i] = f(part[i], row[i]);
  }
}

/// kLanes interleaved partial results, then those combined in order.
template <class F>
ONNXRAY_INLINE float combine_row(const float* x, int64_t n, float start, F f) {
  float part[kLanes];
  std::fill_n(part, kLanes, start);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
#pragma omp simd
    for (int64_t k = 0; k < kLanes; ++k) part[k] = f(part[k], x[i + k]);
  }
  for (int64_t k = 0; i + k < n; ++k) part[k] = f(part[k], x[i + k]);
  float result = start;
  for (int64_t k = 0; k < kLanes; ++k) result = f(result, part[k]);
  return result;
}

}  // namespace

ONNXRAY_EACH_ISA
void largest_tap(float* y, uint8_t* winner, std::span<const Tap> taps, int64_t channels) {
  if (taps.empty()) {
    std::fill_n(y, channels, std::numeric_limits<float>::lowest());
    std::fill_n(winner, channels, uint8_t{0});
    return;
  }
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t n = std::min(kLanes, channels - c);
    float best[kLanes];
    int32_t number[kLanes];
    for (int64_t k = 0; k < n; ++k) {
      best[k] = taps[0].row[c + k];
      number[k] = taps[0].number;
    }
    for (const Tap& tap : taps.subspan(1)) {
      const float* row = tap.row + c;
      const int32_t this_number = tap.number;
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) {
        const bool wins = row[k] > best[k] || (row[k] != row[k] && best[k] == best[k]);
        best[k] = blend(wins, row[k], best[k]);
        number[k] = wins ? this_number : number[k];
      }
    }
    std::copy_n(best, n, y + c);
    for (int64_t k = 0; k < n; ++k) winner[c + k] = static_cast<uint8_t>(number[k]);
  }
}

ONNXRAY_EACH_ISA
void sum_of_winning_taps(float* y, std::span<const Tap> taps, int64_t channels) {
  std::fill_n(y, channels, 0.0f);
  for (const Tap& tap : taps) {
    const int32_t number = tap.number;
    const uint8_t* winner = tap.winner;
    const float* row = tap.row;
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) {
      y[c] += blend(static_cast<int32_t>(winner[c]) == number, row[c], 0.0f);
    }
  }
}

ONNXRAY_EACH_ISA
void sum_of_taps(float* y, std::span<const Tap> taps, int64_t channels) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t n = std::min(kLanes, channels - c);
    float sum[kLanes] = {};
    for (const Tap& tap : taps) {
      const float* row = tap.row + c;
#pragma omp simd
      for (int64_t k = 0; k < n; ++k) sum[k] += row[k];
    }
    std::copy_n(sum, n, y + c);
  }
}

ONNXRAY_EACH_ISA
void reduce_rows(Reduce::Kind kind, double* total, const float* x, int64_t rows, int64_t stride, int64_t n) {
  for (int64_t c = 0; c < n; c += kLanes) {
    const int64_t width = std::min(kLanes, n - c);
    for (int64_t r = 0; r < rows; r += kShortSum) {
      const int64_t count = std::min(kShortSum, rows - r);
      const float* from = x + r * stride + c;
      float part[kLanes];
      std::fill_n(part, kLanes, start_of(kind));
      switch (kind) {
        case Reduce::Kind::sum:
          combine_rows(part, from, count, stride, width, [](float a, float b) { return a + b; });
          break;
        case Reduce::Kind::max:
          combine_rows(part, from, count, stride, width, [](float a, float b) { return larger(a, b); });
          break;
        case Reduce::Kind::min:
          combine_rows(part, from, count, stride, width, [](float a, float b) { return smaller(a, b); });
          break;
        case Reduce::Kind::prod:
          combine_rows(part, from, count, stride, width, [](float a, float b) { return a * b; });
          break;
      }
      for (int64_t k = 0; k < width; ++k)
        total[c + k] = combined(kind, total[c + k], static_cast<double>(part[k]));
    }
  }
}

ONNXRAY_EACH_ISA
double reduce_row(Reduce::Kind kind, const float* x, int64_t n) {
  double total = static_cast<double>(start_of(kind));
  constexpr int64_t kStep = kLanes * kShortSum;
  for (int64_t i = 0; i < n; i += kStep) {
    const int64_t count = std::min(kStep, n - i);
    float part = 0;
    switch (kind) {
      case Reduce::Kind::sum:
        part = combine_row(x + i, count, 0.0f, [](float a, float b) { return a + b; });
        break;
      case Reduce::Kind::max:
        part = combine_row(x + i, count, start_of(kind), [](float a, float b) { return larger(a, b); });
        break;
      case Reduce::Kind::min:
        part = combine_row(x + i, count, start_of(kind), [](float a, float b) { return smaller(a, b); });
        break;
      case Reduce::Kind::prod:
        part = combine_row(x + i, count, 1.0f, [](float a, float b) { return a * b; });
        break;
    }
    total = combined(kind, total, static_cast<double>(part));
  }
  return total;
}

double combination_start(Reduce::Kind kind) {
  switch (kind) {
    case Reduce::Kind::sum: return 0;
    case Reduce::Kind::max: return -std::numeric_limits<double>::infinity();
    case Reduce::Kind::min: return std::numeric_limits<double>::infinity();
    case Reduce::Kind::prod: return 1;
  }
  return 0;
}

double combined(Reduce::Kind kind, double a, double b) {
  switch (kind) {
    case Reduce::Kind::sum: return a + b;
    case Reduce::Kind::max: return a > b || a != a ? a : b;
    case Reduce::Kind::min: return a < b || a != a ? a : b;
    case Reduce::Kind::prod: return a * b;
  }
  return a;
}

ONNXRAY_EACH_ISA
void softmax_row(float* y, const float* x, int64_t n, bool logarithm) {
  const float largest = combine_row(x, n, -std::numeric_limits<float>::infinity(),
                                    [](float a, float b) { return larger(a, b); });
  double sum = 0;
  constexpr int64_t kStep = 1024;
  for (int64_t i = 0; i < n; i += kStep) {
    const int64_t count = std::min(kStep, n - i);
    float part[kStep];
#pragma omp simd
    for (int64_t k = 0; k < count; ++k) {
      part[k] = vector_exp(x[i + k] - largest);
    }
    sum += static_cast<double>(combine_row(part, count, 0.0f, [](float a, float b) { return a + b; }));
    if (!logarithm) std::copy_n(part, count, y + i);
  }
  if (logarithm) {
    const float shift = largest + static_cast<float>(std::log(sum));
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] - shift;
    return;
  }
  const auto scale = static_cast<float>(1 / sum);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

ONNXRAY_EACH_ISA
void scale_row(float* y, const float* x, float w, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = w * x[i];
}

ONNXRAY_EACH_ISA
void add_scaled_row(float* y, const float* x, float w, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] += w * x[i];
}

namespace {

constexpr int64_t kTileLanes = 16;
using Lanes = float __attribute__((vector_size(kTileLanes * sizeof(float)), aligned(4), may_alias));

/// Inner products of I rows of a with J rows of b, whose partial sums stay in registers.
template <int I, int J>
ONNXRAY_INLINE void add_tile(double* sums, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                             int64_t n) {
  Lanes part[I][J] = {};
  int64_t k = 0;
  for (; k + kTileLanes <= n; k += kTileLanes) {
#pragma GCC unroll 4
    for (int i = 0; i < I; ++i) {
      const Lanes x = *reinterpret_cast<const Lanes*>(a + i * a_stride + k);
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) part[i][j] += x * *reinterpret_cast<const Lanes*>(b + j * b_stride + k);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < I; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < J; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < kTileLanes; ++l) sum += static_cast<double>(part[i][j][l]);
      for (int64_t l = k; l < n; ++l) {
        sum += static_cast<double>(a[i * a_stride + l]) * static_cast<double>(b[j * b_stride + l]);
      }
      sums[i * kTile + j] += sum;
    }
  }
}

}  // namespace

ONNXRAY_EACH_ISA
void add_inner_products(double* sums, const float* a, int64_t rows, int64_t a_stride, const float* b,
                        int64_t columns, int64_t b_stride, int64_t n) {
  int64_t i = 0;
  if (columns == kTile) {
    for (; i + kTile <= rows; i += kTile)
      add_tile<kTile, kTile>(sums + i * kTile, a + i * a_stride, a_stride, b, b_stride, n);
    for (; i < rows; ++i) add_tile<1, kTile>(sums + i * kTile, a + i * a_stride, a_stride, b, b_stride, n);
    return;
  }
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j)
      add_tile<1, 1>(sums + i * kTile + j, a + i * a_stride, a_stride, b + j * b_stride, b_stride, n);
  }
}

namespace {

/// I rows of y += the products of I rows of a with kTile rows of b.
template <int I>
ONNXRAY_INLINE void add_rank_four(float* y, const float* a, int64_t a_stride, const float* b,
                                  int64_t b_stride, int64_t n) {
  float w[I][kTile];
  for (int i = 0; i < I; ++i) {
    for (int k = 0; k < kTile; ++k) w[i][k] = a[i * a_stride + k];
  }
  int64_t j = 0;
  for (; j + kTileLanes <= n; j += kTileLanes) {
    Lanes x[kTile];
#pragma GCC unroll 4
    for (int k = 0; k < kTile; ++k) x[k] = *reinterpret_cast<const Lanes*>(b + k * b_stride + j);
#pragma GCC unroll 4
    for (int i = 0; i < I; ++i) {
      auto* to = reinterpret_cast<Lanes*>(y + i * n + j);
      *to += (w[i][0] * x[0] + w[i][1] * x[1]) + (w[i][2] * x[2] + w[i][3] * x[3]);
    }
  }
  for (; j < n; ++j) {
    for (int i = 0; i < I; ++i) {
      for (int k = 0; k < kTile; ++k) y[i * n + j] += w[i][k] * b[k * b_stride + j];
    }
  }
}

}  // namespace

ONNXRAY_EACH_ISA
void add_products(float* y, const float* a, int64_t rows, int64_t a_stride, const float* b, int64_t b_stride,
                  int64_t count, int64_t n) {
  int64_t k = 0;
  for (; k + kTile <= count; k += kTile) {
    int64_t i = 0;
    for (; i + kTile <= rows; i += kTile)
      add_rank_four<kTile>(y + i * n, a + i * a_stride + k, a_stride, b + k * b_stride, b_stride, n);
    for (; i < rows; ++i)
      add_rank_four<1>(y + i * n, a + i * a_stride + k, a_stride, b + k * b_stride, b_stride, n);
  }
  for (; k < count; ++k) {
    for (int64_t i = 0; i < rows; ++i) {
      const float w = a[i * a_stride + k];
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) y[i * n + j] += w * b[k * b_stride + j];
    }
  }
}

ONNXRAY_EACH_ISA
void add_runs(float* row, int64_t step, const float* runs, int64_t runs_stride, int64_t count, int64_t run) {
  for (int64_t o = 0; o < count; ++o) {
    float* to = row + o * step;
    const float* from = runs + o * runs_stride;
    for (int64_t i = 0; i < run; i += kRunLanes) {
#pragma omp simd
      for (int64_t k = 0; k < kRunLanes; ++k) to[i + k] += from[i + k];
    }
  }
}

}  // namespace onnxray::onednn
