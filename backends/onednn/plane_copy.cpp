#include "backends/onednn/plane_copy.h"

#include <algorithm>

#include "backends/onednn/simd.h"

namespace onnxray::onednn {

namespace {

constexpr int64_t kSide = 8;
using Lanes = float __attribute__((vector_size(kSide * sizeof(float)), aligned(4), may_alias));

/// One of the three steps of a transpose: the perfect shuffle of the halves of pairs of rows.
ONNXRAY_INLINE void shuffle_rows(Lanes* to, const Lanes* from) {
#pragma GCC unroll 8
  for (int64_t i = 0; i < kSide / 2; ++i) {
    const Lanes &a = from[i], &b = from[i + kSide / 2];
    to[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    to[2 * i + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  }
}

/// dst[r, i] = src[i, r] for r < kSide and i < kSide; of i >= kCount something.
template <int64_t kCount = kSide>
ONNXRAY_INLINE void transpose_square(float* dst, int64_t dst_row, const float* src, int64_t src_row) {
  Lanes a[kSide], b[kSide];
#pragma GCC unroll 8
  for (int64_t i = 0; i < kSide; ++i)
    a[i] = *reinterpret_cast<const Lanes*>(src + std::min(i, kCount - 1) * src_row);
  shuffle_rows(b, a);
  shuffle_rows(a, b);
  shuffle_rows(b, a);
#pragma GCC unroll 8
  for (int64_t i = 0; i < kSide; ++i) *reinterpret_cast<Lanes*>(dst + i * dst_row) = b[i];
}

template <class E>
ONNXRAY_INLINE void copy_part(E* dst, const E* src, const Plane& p, int64_t r0, int64_t r1, int64_t i0,
                              int64_t i1) {
  for (int64_t r = r0; r < r1; ++r) {
    for (int64_t i = i0; i < i1; ++i) dst[r * p.dst_row + i] = src[r * p.src_row + i * p.src_step];
  }
}

/// Rows of kCount elements without gaps, each element from its own plane.
template <int64_t kCount>
ONNXRAY_INLINE void interleave(float* dst, const float* src, const Plane& p) {
  const int64_t step = p.src_step;
#pragma omp simd
  for (int64_t r = 0; r < p.rows; ++r) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < kCount; ++i) dst[r * kCount + i] = src[r + i * step];
  }
}

/// The same by squares. What one writes behind its last row, the next one overwrites.
template <int64_t kCount>
ONNXRAY_INLINE void interleave_squares(float* dst, const float* src, const Plane& p) {
  int64_t r = 0;
  for (; r + 2 * kSide <= p.rows; r += kSide)
    transpose_square<kCount>(dst + r * kCount, kCount, src + r, p.src_step);
  copy_part(dst, src, p, r, p.rows, 0, kCount);
}

/// Rows of kCount elements without gaps, each element to its own plane.
template <int64_t kCount>
ONNXRAY_INLINE void separate(float* dst, const float* src, const Plane& p) {
  const int64_t step = p.dst_row;
#pragma omp simd
  for (int64_t i = 0; i < p.n; ++i) {
#pragma GCC unroll 8
    for (int64_t r = 0; r < kCount; ++r) dst[r * step + i] = src[i * kCount + r];
  }
}

/// Squares along the rows of src, whose cache lines are then used whole. The last ones overlap.
ONNXRAY_INLINE void transpose_squares(float* dst, const float* src, const Plane& p) {
  constexpr int64_t kLine = 2 * kSide;
  for (int64_t r0 = 0; r0 < p.rows; r0 += kLine) {
    for (int64_t i0 = 0; i0 < p.n; i0 += kSide) {
      const int64_t i = std::min(i0, p.n - kSide);
      for (int64_t k = r0; k < std::min(r0 + kLine, p.rows); k += kSide) {
        const int64_t r = std::min(k, p.rows - kSide);
        transpose_square(dst + r * p.dst_row + i, p.dst_row, src + r + i * p.src_step, p.src_step);
      }
    }
  }
}

/// p.src_row is 1.
ONNXRAY_EACH_ISA
void transpose(float* dst, const float* src, const Plane& p) {
  if (p.rows >= kSide && p.n >= kSide) return transpose_squares(dst, src, p);
  if (p.dst_row == p.n) {
    switch (p.n) {
      case 2: return interleave<2>(dst, src, p);
      case 3: return interleave<3>(dst, src, p);
      case 4: return interleave<4>(dst, src, p);
      case 5: return interleave_squares<5>(dst, src, p);
      case 6: return interleave_squares<6>(dst, src, p);
      case 7: return interleave_squares<7>(dst, src, p);
      default: break;
    }
  }
  if (p.src_step == p.rows) {
    switch (p.rows) {
      case 2: return separate<2>(dst, src, p);
      case 3: return separate<3>(dst, src, p);
      case 4: return separate<4>(dst, src, p);
      default: break;
    }
  }
  copy_part(dst, src, p, 0, p.rows, 0, p.n);
}

/// Up to here a loop is quicker than a call of memmove.
constexpr int64_t kShort = 8 * kSide;

/// p.src_step is 1.
ONNXRAY_EACH_ISA
void copy_short_rows(float* dst, const float* src, const Plane& p) {
  const int64_t whole = p.n / kSide * kSide;
  for (int64_t r = 0; r < p.rows; ++r) {
    float* to = dst + r * p.dst_row;
    const float* from = src + r * p.src_row;
    for (int64_t i = 0; i < whole; i += kSide)
      *reinterpret_cast<Lanes*>(to + i) = *reinterpret_cast<const Lanes*>(from + i);
    for (int64_t i = whole; i < p.n; ++i) to[i] = from[i];
  }
}

/// Whether neighbours in src come from different rows of dst.
bool turns(const Plane& p) { return p.src_row == 1 && p.src_step != 1 && p.src_step != 0; }

template <class E>
void copy_rows(E* dst, const E* src, const Plane& p) {
  for (int64_t r = 0; r < p.rows; ++r) {
    E* to = dst + r * p.dst_row;
    const E* from = src + r * p.src_row;
    if (p.src_step == 1)
      std::copy_n(from, p.n, to);
    else if (p.src_step == 0)
      std::fill_n(to, p.n, *from);
    else
      for (int64_t i = 0; i < p.n; ++i) to[i] = from[i * p.src_step];
  }
}

template <class E>
void copy_any(E* dst, const E* src, const Plane& p) {
  if (!turns(p)) return copy_rows(dst, src, p);
  constexpr int64_t kTile = 16;
  for (int64_t i = 0; i < p.n; i += kTile) copy_part(dst, src, p, 0, p.rows, i, std::min(i + kTile, p.n));
}

}  // namespace

void copy_plane(float* dst, const float* src, const Plane& p) {
  if (turns(p)) return transpose(dst, src, p);
  p.src_step == 1 && p.n <= kShort ? copy_short_rows(dst, src, p) : copy_rows(dst, src, p);
}
void copy_plane(int64_t* dst, const int64_t* src, const Plane& p) { copy_any(dst, src, p); }
void copy_plane(uint8_t* dst, const uint8_t* src, const Plane& p) { copy_any(dst, src, p); }

}  // namespace onnxray::onednn
