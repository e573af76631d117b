#include "backends/onednn/split_products.h"

#include <algorithm>
#include <cstring>

#include "backends/onednn/simd.h"

namespace onnxray::onednn {

namespace {

using Lanes = float __attribute__((vector_size(kSplitLanes * sizeof(float)), aligned(4), may_alias));

/// A zero that the compiler does not know for one. It would make code of its own for groups without terms,
/// and for what follows each of them.
ONNXRAY_INLINE float unknown_zero() {
  float zero = 0;
  asm("" : "+m"(zero));
  return zero;
}

/// Sums of one portion, in registers: P's first, then N's.
template <int64_t kVectors>
struct Parts {
  Lanes sum[2][kSplitResults][kVectors];
};

ONNXRAY_INLINE Lanes& lanes_at(float* sums, int64_t r, int64_t v) {
  return *reinterpret_cast<Lanes*>(sums + r * kSplitPlaces + v * kSplitLanes);
}

template <int64_t kVectors>
ONNXRAY_INLINE void store(float* sums, bool adds, const Lanes (&of)[kSplitResults][kVectors]) {
  if (adds) {
#pragma GCC unroll 4
    for (int64_t r = 0; r < kSplitResults; ++r) {
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v) lanes_at(sums, r, v) += of[r][v];
    }
    return;
  }
#pragma GCC unroll 4
  for (int64_t r = 0; r < kSplitResults; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) lanes_at(sums, r, v) = of[r][v];
  }
}

/// Adds the terms of group kGroup.
template <int64_t kGroup, int64_t kVectors>
ONNXRAY_INLINE void add_group(Parts<kVectors>& parts, const float* x, SplitWeights& w) {
  const int64_t count = w.counts[kGroup];
  for (int64_t n = 0; n < count; ++n) {
    const float* term = x + w.places[n];
    Lanes at[kVectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) at[v] = *reinterpret_cast<const Lanes*>(term + v * kSplitLanes);
#pragma GCC unroll 4
    for (int64_t r = 0; r < kSplitResults; ++r) {
      const float weight = w.values[n * kSplitResults + r];
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v) parts.sum[kGroup >> r & 1][r][v] += at[v] * weight;
    }
  }
  w.values += count * kSplitResults;
  w.places += count;
}

template <int64_t kVectors>
ONNXRAY_INLINE void add_all_groups(Parts<kVectors>& parts, const float* x, SplitWeights& w) {
  add_group<0>(parts, x, w);
  add_group<1>(parts, x, w);
  add_group<2>(parts, x, w);
  add_group<3>(parts, x, w);
  add_group<4>(parts, x, w);
  add_group<5>(parts, x, w);
  add_group<6>(parts, x, w);
  add_group<7>(parts, x, w);
  add_group<8>(parts, x, w);
  add_group<9>(parts, x, w);
  add_group<10>(parts, x, w);
  add_group<11>(parts, x, w);
  add_group<12>(parts, x, w);
  add_group<13>(parts, x, w);
  add_group<14>(parts, x, w);
  add_group<15>(parts, x, w);
}

template <int64_t kVectors>
ONNXRAY_INLINE void sum_parts_of(float* z, float* P, bool adds, const float* x, SplitWeights w) {
  const Lanes zeros = unknown_zero() - Lanes{};
  Parts<kVectors> parts;
#pragma GCC unroll 4
  for (int64_t r = 0; r < kSplitResults; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) parts.sum[0][r][v] = parts.sum[1][r][v] = zeros;
  }
  add_all_groups(parts, x, w);
#pragma GCC unroll 4
  for (int64_t r = 0; r < kSplitResults; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) parts.sum[1][r][v] += parts.sum[0][r][v];
  }
  store(P, adds, parts.sum[0]);
  store(z, adds, parts.sum[1]);
}

/// Adds the terms of group kGroup, each weight times what its sign names.
template <int64_t kGroup, int64_t kVectors>
ONNXRAY_INLINE void add_matched(Lanes (&sum)[kSplitResults][kVectors], const float* p, const float* n,
                                SplitWeights& w) {
  constexpr int64_t kAllNegative = kSplitGroups - 1;
  const int64_t count = w.counts[kGroup];
  for (int64_t k = 0; k < count; ++k) {
    Lanes at[2][kVectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) {
      if (kGroup != kAllNegative)
        at[0][v] = *reinterpret_cast<const Lanes*>(p + w.places[k] + v * kSplitLanes);
      if (kGroup != 0) at[1][v] = *reinterpret_cast<const Lanes*>(n + w.places[k] + v * kSplitLanes);
    }
#pragma GCC unroll 4
    for (int64_t r = 0; r < kSplitResults; ++r) {
      const float weight = w.values[k * kSplitResults + r];
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] += at[kGroup >> r & 1][v] * weight;
    }
  }
  w.values += count * kSplitResults;
  w.places += count;
}

template <int64_t kVectors>
ONNXRAY_INLINE void sum_matched_of(float* z, bool adds, const float* p, const float* n, SplitWeights w) {
  const Lanes zeros = unknown_zero() - Lanes{};
  Lanes sum[kSplitResults][kVectors];
#pragma GCC unroll 4
  for (int64_t r = 0; r < kSplitResults; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = zeros;
  }
  add_matched<0>(sum, p, n, w);
  add_matched<1>(sum, p, n, w);
  add_matched<2>(sum, p, n, w);
  add_matched<3>(sum, p, n, w);
  add_matched<4>(sum, p, n, w);
  add_matched<5>(sum, p, n, w);
  add_matched<6>(sum, p, n, w);
  add_matched<7>(sum, p, n, w);
  add_matched<8>(sum, p, n, w);
  add_matched<9>(sum, p, n, w);
  add_matched<10>(sum, p, n, w);
  add_matched<11>(sum, p, n, w);
  add_matched<12>(sum, p, n, w);
  add_matched<13>(sum, p, n, w);
  add_matched<14>(sum, p, n, w);
  add_matched<15>(sum, p, n, w);
  store(z, adds, sum);
}

/// One of the four steps of a transpose: the perfect shuffle of the halves of the rows.
ONNXRAY_INLINE void shuffle_rows(Lanes* to, const Lanes* from) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < kSplitLanes / 2; ++i) {
    const Lanes &a = from[i], &b = from[i + kSplitLanes / 2];
    to[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    to[2 * i + 1] =
        __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

ONNXRAY_INLINE void transpose(Lanes* a) {
  Lanes b[kSplitLanes];
  shuffle_rows(b, a);
  shuffle_rows(a, b);
  shuffle_rows(b, a);
  shuffle_rows(a, b);
}

/// Writes rows of vectors, `pitch` apart: all of them, or `rows` rows of `columns`.
ONNXRAY_INLINE void write_all(float* to, int64_t pitch, const Lanes* a) {
#pragma GCC unroll 16
  for (int64_t i = 0; i < kSplitLanes; ++i) *reinterpret_cast<Lanes*>(to + i * pitch) = a[i];
}
ONNXRAY_INLINE void write_some(float* to, int64_t pitch, const Lanes* a, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(to + i * pitch, &a[i], static_cast<size_t>(columns) * sizeof(float));
}

}  // namespace

ONNXRAY_EACH_ISA
void sum_parts(float* z, float* P, bool adds, const float* x, const SplitWeights& w, int64_t vectors) {
  switch (vectors) {
    case 1: return sum_parts_of<1>(z, P, adds, x, w);
    case 2: return sum_parts_of<2>(z, P, adds, x, w);
    default: return sum_parts_of<3>(z, P, adds, x, w);
  }
}

ONNXRAY_EACH_ISA
void mix_sums(float* P, const float* z, float of_P, float of_z) {
#pragma omp simd
  for (int64_t i = 0; i < kSplitWritten * kSplitPlaces; ++i) P[i] = of_P * P[i] + of_z * z[i];
}

ONNXRAY_EACH_ISA
void sum_matched(float* z, bool adds, const float* p, const float* n, const SplitWeights& w,
                 int64_t vectors) {
  switch (vectors) {
    case 1: return sum_matched_of<1>(z, adds, p, n, w);
    case 2: return sum_matched_of<2>(z, adds, p, n, w);
    default: return sum_matched_of<3>(z, adds, p, n, w);
  }
}

ONNXRAY_EACH_ISA
void gather_places(float* x, const float* const* pixels, int64_t first, int64_t count) {
  const int64_t whole = count / kSplitLanes * kSplitLanes, rest = count - whole;
  Lanes a[kSplitLanes];
  for (int64_t i = 0; i < kSplitPlaces; i += kSplitLanes) {
    for (int64_t c = 0; c < whole; c += kSplitLanes) {
#pragma GCC unroll 16
      for (int64_t row = 0; row < kSplitLanes; ++row)
        a[row] = *reinterpret_cast<const Lanes*>(pixels[i + row] + first + c);
      transpose(a);
      write_all(x + c * kSplitPlaces + i, kSplitPlaces, a);
    }
    if (rest == 0) continue;
    // Behind the last channels of the last pixel there is nothing to read.
    for (int64_t row = 0; row < kSplitLanes; ++row) {
      a[row] = Lanes{};
      std::memcpy(&a[row], pixels[i + row] + first + whole, static_cast<size_t>(rest) * sizeof(float));
    }
    transpose(a);
    write_some(x + whole * kSplitPlaces + i, kSplitPlaces, a, rest, kSplitLanes);
  }
}

ONNXRAY_EACH_ISA
void scatter_places(float* y, int64_t pitch, const float* sums, int64_t places, int64_t results,
                    const SplitFinish& finish) {
  const Lanes low = finish.low - Lanes{}, high = finish.high - Lanes{};
  for (int64_t start = 0; start < places; start += kSplitLanes) {
    Lanes a[kSplitWritten];
#pragma GCC unroll 16
    for (int64_t r = 0; r < kSplitWritten; ++r) {
      Lanes sum = *reinterpret_cast<const Lanes*>(sums + r * kSplitPlaces + start) + finish.bias[r];
      sum = sum < low ? low : sum;  // a NaN stays
      a[r] = sum > high ? high : sum;
    }
    transpose(a);
    const int64_t rows = std::min(kSplitLanes, places - start);
    if (rows == kSplitLanes && results == kSplitWritten)
      write_all(y + start * pitch, pitch, a);
    else
      write_some(y + start * pitch, pitch, a, rows, results);
  }
}

}  // namespace onnxray::onednn
