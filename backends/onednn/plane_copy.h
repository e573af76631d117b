#pragma once

#include <cstdint>

namespace onnxray::onednn {

/// dst[r * dst_row + i] = src[r * src_row + i * src_step], for r < rows and i < n. Rows of dst do not
/// overlap.
struct Plane {
  int64_t rows, n;
  int64_t dst_row, src_row, src_step;
};

void copy_plane(float* dst, const float* src, const Plane& p);
void copy_plane(int64_t* dst, const int64_t* src, const Plane& p);
void copy_plane(uint8_t* dst, const uint8_t* src, const Plane& p);

}  // namespace onnxray::onednn
