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

using Lanes = float __attribute__((vector_size(16 * sizeof(float)), aligned(4), may_alias));
using FewLanes = float __attribute__((vector_size(8 * sizeof(float)), aligned(4), may_alias));
using Integers = int32_t __attribute__((vector_size(8 * sizeof(int32_t))));
using Bytes = uint8_t __attribute__((vector_size(8), aligned(1), may_alias));

/// largest_tap for 8 channels from c on: GCC 12 takes comparisons of longer vectors apart.
ONNXRAY_INLINE void largest_of_lanes(float* y, uint8_t* winner, std::span<const Tap> taps, int64_t c) {
  FewLanes best = *reinterpret_cast<const FewLanes*>(taps[0].row + c);
  Integers number = Integers{} + taps[0].number;
  for (const Tap& tap : taps.subspan(1)) {
    const FewLanes row = *reinterpret_cast<const FewLanes*>(tap.row + c);
    const Integers wins = (row > best) | ((row != row) & (best == best));
    best = wins ? row : best;
    number = wins ? Integers{} + tap.number : number;
  }
  *reinterpret_cast<FewLanes*>(y) = best;
  *reinterpret_cast<Bytes*>(winner) = __builtin_convertvector(number, Bytes);
}

template <int64_t kVectors, class Vector>
ONNXRAY_INLINE void add_row(Vector* sums, const float* row) {
#pragma GCC unroll 4
  for (int64_t v = 0; v < kVectors; ++v) sums[v] += reinterpret_cast<const Vector*>(row)[v];
}

/// part[i] += x[r, i] for the columns of some vectors, whose sums stay in registers. Every fourth row is
/// summed alone, and those sums as (a + b) + (c + d), whatever the vector: equal columns have equal sums.
template <class Vector, int64_t kVectors>
ONNXRAY_INLINE void add_columns(float* part, const float* x, int64_t rows, int64_t stride) {
  Vector a[kVectors] = {}, b[kVectors] = {}, c[kVectors] = {}, d[kVectors] = {};
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    add_row<kVectors>(a, x + r * stride);
    add_row<kVectors>(b, x + (r + 1) * stride);
    add_row<kVectors>(c, x + (r + 2) * stride);
    add_row<kVectors>(d, x + (r + 3) * stride);
  }
  if (r < rows) add_row<kVectors>(a, x + r * stride);
  if (r + 1 < rows) add_row<kVectors>(b, x + (r + 1) * stride);
  if (r + 2 < rows) add_row<kVectors>(c, x + (r + 2) * stride);
  auto* sums = reinterpret_cast<Vector*>(part);
#pragma GCC unroll 4
  for (int64_t v = 0; v < kVectors; ++v) sums[v] += (a[v] + b[v]) + (c[v] + d[v]);
}

/// part[i] += x[r, i] for i < n.
ONNXRAY_INLINE void add_rows(float* part, const float* x, int64_t rows, int64_t stride, int64_t n) {
  static_assert(kLanes == 64);
  if (n == kLanes) return add_columns<Lanes, 4>(part, x, rows, stride);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) add_columns<Lanes, 1>(part + i, x + i, rows, stride);
  for (; i + 8 <= n; i += 8) add_columns<FewLanes, 1>(part + i, x + i, rows, stride);
  for (; i < n; ++i) add_columns<float, 1>(part + i, x + i, rows, stride);
}

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
  int64_t c = 0;
  for (; c + 8 <= channels; c += 8) largest_of_lanes(y + c, winner + c, taps, c);
  for (; c < channels; c += kLanes) {
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
  int64_t c = 0;
  for (; c + 16 <= channels; c += 16) {
    Lanes sum = {};
    for (const Tap& tap : taps) sum += *reinterpret_cast<const Lanes*>(tap.row + c);
    *reinterpret_cast<Lanes*>(y + c) = sum;
  }
  for (; c < channels; c += kLanes) {
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
        case Reduce::Kind::sum: add_rows(part, from, count, stride, width); break;
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

}  // namespace onnxray::onednn
