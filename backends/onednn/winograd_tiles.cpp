#include "backends/onednn/winograd_tiles.h"

#include <algorithm>

#include "backends/onednn/simd.h"

namespace onnxray::onednn {

namespace {

using Lanes = float __attribute__((vector_size(kTileLanes * sizeof(float)), aligned(4), may_alias));

// The points, and products of them: exact in binary.
constexpr float a = 0.75f, b = 1.5f, a2 = a * a, b2 = b * b;

/// v = B^T d.
ONNXRAY_INLINE void inputs_to_points(Lanes* v, int64_t step, const Lanes& d0, const Lanes& d1,
                                     const Lanes& d2, const Lanes& d3, const Lanes& d4, const Lanes& d5) {
  const Lanes even_a = d4 - b2 * d2, odd_a = a * (d3 - b2 * d1);
  const Lanes even_b = d4 - a2 * d2, odd_b = b * (d3 - a2 * d1);
  v[0 * step] = d4 - (a2 + b2) * d2 + (a2 * b2) * d0;
  v[1 * step] = even_a + odd_a;
  v[2 * step] = even_a - odd_a;
  v[3 * step] = even_b + odd_b;
  v[4 * step] = even_b - odd_b;
  v[5 * step] = d5 - (a2 + b2) * d3 + (a2 * b2) * d1;
}

/// y = A^T m.
ONNXRAY_INLINE void points_to_results(Lanes* y, int64_t step, const Lanes& m0, const Lanes& m1,
                                      const Lanes& m2, const Lanes& m3, const Lanes& m4, const Lanes& m5) {
  const Lanes sum_a = m1 + m2, difference_a = m1 - m2, sum_b = m3 + m4, difference_b = m3 - m4;
  y[0 * step] = m0 + sum_a + sum_b;
  y[1 * step] = a * difference_a + b * difference_b;
  y[2 * step] = a2 * sum_a + b2 * sum_b;
  y[3 * step] = (a2 * a) * difference_a + (b2 * b) * difference_b + m5;
}

/// G, by rows.
constexpr double p = a, q = b, fp = 2 * p * p * (p * p - q * q), fq = 2 * q * q * (q * q - p * p);
constexpr double kWeightsToPoints[kTileInputs][3] = {
    {1 / (p * p * q * q), 0, 0}, {1 / fp, p / fp, p* p / fp},  {1 / fp, -p / fp, p* p / fp},
    {1 / fq, q / fq, q* q / fq}, {1 / fq, -q / fq, q* q / fq}, {0, 0, 1}};

}  // namespace

ONNXRAY_EACH_ISA
void transform_tile(float* planes, int64_t plane, const float* const* d, int64_t channels) {
  for (int64_t c = 0; c < channels; c += kTileLanes) {
    const auto at = [&](int64_t i, int64_t j) -> const Lanes& {
      return *reinterpret_cast<const Lanes*>(d[i * kTileInputs + j] + c);
    };
    Lanes t[kTileInputs][kTileInputs];
    for (int64_t j = 0; j < kTileInputs; ++j)
      inputs_to_points(&t[0][j], kTileInputs, at(0, j), at(1, j), at(2, j), at(3, j), at(4, j), at(5, j));
    for (int64_t i = 0; i < kTileInputs; ++i) {
      Lanes v[kTileInputs];
      inputs_to_points(v, 1, t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5]);
      for (int64_t j = 0; j < kTileInputs; ++j)
        *reinterpret_cast<Lanes*>(planes + (i * kTileInputs + j) * plane + c) = v[j];
    }
  }
}

ONNXRAY_EACH_ISA
void collect_tile(float* const* y, const float* planes, int64_t plane, int64_t channels,
                  const Finish& finish) {
  const Lanes low = finish.low - Lanes{}, high = finish.high - Lanes{};
  for (int64_t c = 0; c < channels; c += kTileLanes) {
    const auto at = [&](int64_t i, int64_t j) -> const Lanes& {
      return *reinterpret_cast<const Lanes*>(planes + (i * kTileInputs + j) * plane + c);
    };
    const Lanes bias = finish.bias ? *reinterpret_cast<const Lanes*>(finish.bias + c) : Lanes{};
    Lanes t[kTileResults][kTileInputs];
    for (int64_t j = 0; j < kTileInputs; ++j)
      points_to_results(&t[0][j], kTileInputs, at(0, j), at(1, j), at(2, j), at(3, j), at(4, j), at(5, j));
    for (int64_t i = 0; i < kTileResults; ++i) {
      Lanes r[kTileResults];
      points_to_results(r, 1, t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5]);
      for (int64_t j = 0; j < kTileResults; ++j) {
        Lanes result = r[j] + bias;
        result = result < low ? low : result;  // a NaN stays
        *reinterpret_cast<Lanes*>(y[i * kTileResults + j] + c) = result > high ? high : result;
      }
    }
  }
}

ONNXRAY_EACH_ISA
void transform_weights(float* u, int64_t plane, const float* w, int64_t tap, int64_t channel,
                       int64_t channels) {
  for (int64_t c = 0; c < channels; c += kTileLanes) {
    double taps[9][kTileLanes];
    for (int64_t k = 0; k < 9; ++k) {
      for (int64_t l = 0; l < kTileLanes; ++l)
        taps[k][l] = static_cast<double>(w[k * tap + (c + l) * channel]);
    }
    for (int64_t i = 0; i < kTileInputs; ++i) {
      const double* g = kWeightsToPoints[i];
      double row[3][kTileLanes];
      for (int64_t j = 0; j < 3; ++j) {
#pragma omp simd
        for (int64_t l = 0; l < kTileLanes; ++l)
          row[j][l] = g[0] * taps[j][l] + g[1] * taps[3 + j][l] + g[2] * taps[6 + j][l];
      }
      for (int64_t j = 0; j < kTileInputs; ++j) {
        const double* h = kWeightsToPoints[j];
        float* to = u + (i * kTileInputs + j) * plane + c;
#pragma omp simd
        for (int64_t l = 0; l < kTileLanes; ++l)
          to[l] = static_cast<float>(h[0] * row[0][l] + h[1] * row[1][l] + h[2] * row[2][l]);
      }
    }
  }
}

}  // namespace onnxray::onednn
