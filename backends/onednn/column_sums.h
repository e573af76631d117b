#pragma once

#include <cstdint>
#include <span>

namespace onnxray::onednn {

/// Places are treated so many at a time.
inline constexpr int64_t kPlaceLanes = 16;
/// Columns that columns_of_places takes at once: as many sums as the registers hold.
int64_t columns_at_once();

/// Features of a row of places, turned: g[m * pitch + p]; and the weights that they meet: w[m * columns + c].
struct Rows {
  const float *g, *w;
};

/// y[c * y_pitch + p] = sum over rows and m < features of g[m * pitch + p] w[m * columns + c], for c <
/// columns and p < pitch, a multiple of kPlaceLanes.
void columns_of_places(float* y, int64_t y_pitch, std::span<const Rows> rows, int64_t features, int64_t pitch,
                       int64_t columns);

/// y[i] = sum of x[i] over the rows x; 0 where there is none.
void sum_of_rows(float* y, std::span<const float* const> x, int64_t n);

}  // namespace onnxray::onednn
