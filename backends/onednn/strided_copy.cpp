#include "backends/onednn/strided_copy.h"

#include <algorithm>

#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

constexpr int64_t kPiece = 8192;  // elements of a long row that one thread takes at a time
constexpr int64_t kTile = 16;     // a cache line of floats on each side

}  // namespace

StridedCopy::StridedCopy(const Shape& shape, const Strides& dst, const Strides& src, Storage storage)
    : storage_(storage) {
  elements_ = element_count(shape);
  if (elements_ == 0) return;
  LoopNest nest = collapse(shape, {dst, src});
  const auto take = [&](size_t i) {
    const Loop loop{nest.extents[i], nest.strides[0][i], nest.strides[1][i]};
    const auto at = static_cast<int64_t>(i);
    nest.extents.erase(nest.extents.begin() + at);
    for (Strides& strides : nest.strides) strides.erase(strides.begin() + at);
    return loop;
  };
  inner_ = take(nest.depth() - 1);
  const auto unit = std::ranges::find(nest.strides[1], 1);
  tiled_ = inner_.src != 1 && inner_.src != 0 && unit != nest.strides[1].end();
  if (tiled_) across_ = take(static_cast<size_t>(unit - nest.strides[1].begin()));
  outer_ = nest.extents;
  outer_dst_ = nest.strides[0];
  outer_src_ = nest.strides[1];
  const int64_t cut = tiled_ ? across_.extent : inner_.extent;
  piece_ = tiled_ ? kTile : kPiece;
  pieces_ = (cut + piece_ - 1) / piece_;
  items_ = element_count(outer_) * pieces_;
}

void StridedCopy::run(std::byte* dst, const std::byte* src) const {
  in_parallel(items_, elements_, [&](int64_t first, int64_t last) { run_range(first, last, dst, src); });
}

void StridedCopy::run_here(std::byte* dst, const std::byte* src) const { run_range(0, items_, dst, src); }

void StridedCopy::run_range(int64_t first, int64_t last, std::byte* dst, const std::byte* src) const {
  switch (storage_) {
    case Storage::real:
      return run_items(first, last, reinterpret_cast<float*>(dst), reinterpret_cast<const float*>(src));
    case Storage::int64:
      return run_items(first, last, reinterpret_cast<int64_t*>(dst), reinterpret_cast<const int64_t*>(src));
    case Storage::byte:
      return run_items(first, last, reinterpret_cast<uint8_t*>(dst), reinterpret_cast<const uint8_t*>(src));
  }
}

template <class E>
void StridedCopy::run_items(int64_t first, int64_t last, E* dst, const E* src) const {
  for (int64_t item = first; item < last; ++item) {
    const int64_t row = item / pieces_, start = item % pieces_ * piece_;
    E* to = dst + offset_of(row, outer_, outer_dst_, outer_.size());
    const E* from = src + offset_of(row, outer_, outer_src_, outer_.size());
    if (tiled_) {
      copy_tile(start, to, from);
      continue;
    }
    const int64_t count = std::min(piece_, inner_.extent - start);
    to += start * inner_.dst;
    from += start * inner_.src;
    if (inner_.dst == 1 && inner_.src == 1) {
      std::copy_n(from, count, to);
    } else if (inner_.dst == 1 && inner_.src == 0) {
      std::fill_n(to, count, *from);
    } else {
      for (int64_t i = 0; i < count; ++i) to[i * inner_.dst] = from[i * inner_.src];
    }
  }
}

/// kTile places along the source's fastest axis, all along the destination's, in squares: each cache line
/// that a square touches is used whole.
template <class E>
void StridedCopy::copy_tile(int64_t start, E* dst, const E* src) const {
  const int64_t end = std::min(start + kTile, across_.extent);
  for (int64_t i0 = 0; i0 < inner_.extent; i0 += kTile) {
    const int64_t i1 = std::min(i0 + kTile, inner_.extent);
    for (int64_t j = start; j < end; ++j) {
      E* to = dst + j * across_.dst;
      const E* from = src + j;
      for (int64_t i = i0; i < i1; ++i) to[i * inner_.dst] = from[i * inner_.src];
    }
  }
}

}  // namespace onnxray::onednn
