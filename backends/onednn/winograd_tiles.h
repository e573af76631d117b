#pragma once

#include <cstdint>
#include <limits>

/// Winograd's minimal filtering F(4x4, 3x3): of a tile d of 6x6 inputs and a kernel w of 3x3 the 4x4 results
///   y = A^T [(G w G^T) * (B^T d B)] A
/// (Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016), at the points 0, +-3/4,
/// +-3/2 and infinity. Their size balances the matrices: results are off by two to three times what direct
/// sums are, a quarter of the error at the usual points 0, +-1, +-2 (Barabasz et al., Error Analysis and
/// Improving the Accuracy of Winograd Convolution for Deep Neural Networks, TOMS 2020, choose points so).
namespace onnxray::onednn {

inline constexpr int64_t kTileInputs = 6, kTileResults = 4, kPlanes = kTileInputs * kTileInputs;
/// Channels come in multiples of this.
inline constexpr int64_t kTileLanes = 16;
/// Bytes of transformed tiles, of both sides, that are worked on at a time: a part of the L3 cache, which
/// lies between the steps of a block.
inline constexpr int64_t kWinogradBlock = 6 << 20;

/// planes[p * plane + c] = (B^T d B)[p], for 36 rows d[p] of channels.
void transform_tile(float* planes, int64_t plane, const float* const* d, int64_t channels);
/// What becomes of a result: its channel's bias is added, then it is cut off below and above.
struct Finish {
  const float* bias = nullptr;  ///< by channel
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
/// y[q][c] = finished (A^T m A)[q] for q < 16, where m[p] = planes[p * plane + c].
void collect_tile(float* const* y, const float* planes, int64_t plane, int64_t channels,
                  const Finish& finish);
/// u[p * plane + c] = (G w G^T)[p], where w[k] = w[k * tap + c * channel] for k < 9. Computed in double.
void transform_weights(float* u, int64_t plane, const float* w, int64_t tap, int64_t channel,
                       int64_t channels);

}  // namespace onnxray::onednn
