#include "backends/onednn/column_sums.h"

#include <algorithm>

#include "backends/onednn/simd.h"

namespace onnxray::onednn {

namespace {

using Lanes = float __attribute__((vector_size(kPlaceLanes * sizeof(float)), aligned(4), may_alias));

/// With kVectors vectors of places and the features' own, 27 sums fit into 32 registers of 16 lanes.
constexpr int64_t kMostColumns = 9, kMostVectors = 3;

struct Block {
  float* y;
  int64_t y_pitch;
  std::span<const Rows> rows;
  int64_t features, pitch, first;
};

template <int64_t kColumns, int64_t kVectors>
ONNXRAY_INLINE void sum_block(const Block& b) {
  Lanes sum[kColumns][kVectors] = {};
  for (const Rows& row : b.rows) {
    const float *g = row.g + b.first, *w = row.w;
    for (int64_t m = 0; m < b.features; ++m, g += b.pitch, w += kColumns) {
#pragma GCC unroll 16
      for (int64_t v = 0; v < kVectors; ++v) {
        const Lanes x = *reinterpret_cast<const Lanes*>(g + v * kPlaceLanes);
#pragma GCC unroll 16
        for (int64_t c = 0; c < kColumns; ++c) sum[c][v] += x * w[c];
      }
    }
  }
#pragma GCC unroll 16
  for (int64_t c = 0; c < kColumns; ++c) {
#pragma GCC unroll 16
    for (int64_t v = 0; v < kVectors; ++v)
      *reinterpret_cast<Lanes*>(b.y + c * b.y_pitch + b.first + v * kPlaceLanes) = sum[c][v];
  }
}

template <int64_t kColumns>
ONNXRAY_INLINE void sum_places(Block b) {
  for (; b.first + kMostVectors * kPlaceLanes <= b.pitch; b.first += kMostVectors * kPlaceLanes)
    sum_block<kColumns, kMostVectors>(b);
  for (; b.first < b.pitch; b.first += kPlaceLanes) sum_block<kColumns, 1>(b);
}

}  // namespace

int64_t columns_at_once() {
  static const int64_t columns = has_wide_registers() ? kMostColumns : 2;
  return columns;
}

ONNXRAY_EACH_ISA
void columns_of_places(float* y, int64_t y_pitch, std::span<const Rows> rows, int64_t features, int64_t pitch,
                       int64_t columns) {
  const Block b{y, y_pitch, rows, features, pitch, 0};
  switch (columns) {
    case 1: return sum_places<1>(b);
    case 2: return sum_places<2>(b);
    case 3: return sum_places<3>(b);
    case 4: return sum_places<4>(b);
    case 5: return sum_places<5>(b);
    case 6: return sum_places<6>(b);
    case 7: return sum_places<7>(b);
    case 8: return sum_places<8>(b);
    case 9: return sum_places<9>(b);
    default: break;
  }
}

ONNXRAY_EACH_ISA
void sum_of_rows(float* y, std::span<const float* const> x, int64_t n) {
  if (x.empty()) {
    std::fill_n(y, n, 0.0f);
    return;
  }
  constexpr int64_t kBlock = 64;
  for (int64_t i0 = 0; i0 < n; i0 += kBlock) {
    const int64_t count = std::min(kBlock, n - i0);
    float sum[kBlock] = {};
    for (const float* row : x) {
      const float* from = row + i0;
#pragma omp simd
      for (int64_t i = 0; i < count; ++i) sum[i] += from[i];
    }
    std::copy_n(sum, count, y + i0);
  }
}

}  // namespace onnxray::onednn
