#include "backends/onednn/strided_copy.h"

#include <algorithm>

#include "backends/onednn/plane_copy.h"
#include "backends/onednn/thread_split.h"

namespace onnxray::onednn {

namespace {

constexpr int64_t kPiece = 4096;  // elements that one thread takes at a time
constexpr int64_t kLine = 16;     // floats of a cache line: pieces of planes are multiples of it

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
  const bool turns = inner_.src != 1 && inner_.src != 0 && unit != nest.strides[1].end();
  if (turns)
    across_ = take(static_cast<size_t>(unit - nest.strides[1].begin()));
  else if (nest.depth() > 0)
    across_ = take(nest.depth() - 1);
  outer_ = nest.extents;
  outer_dst_ = nest.strides[0];
  outer_src_ = nest.strides[1];
  cuts_inner_ = inner_.extent >= kPiece && !turns;
  const int64_t rows = kPiece / inner_.extent, multiple = turns ? kLine : 1;
  piece_ = cuts_inner_ ? kPiece : std::max(rows / multiple * multiple, multiple);
  const int64_t cut = cuts_inner_ ? inner_.extent : across_.extent;
  pieces_ = (cut + piece_ - 1) / piece_;
  items_ = element_count(outer_) * pieces_ * (cuts_inner_ ? across_.extent : 1);
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
    int64_t place = item / pieces_, row = 0;
    const int64_t start = item % pieces_ * piece_;
    if (cuts_inner_) {
      row = place % across_.extent;
      place /= across_.extent;
    }
    E* to = dst + offset_of(place, outer_, outer_dst_, outer_.size());
    const E* from = src + offset_of(place, outer_, outer_src_, outer_.size());
    Plane plane{1, std::min(piece_, inner_.extent - start), across_.dst, across_.src, inner_.src};
    if (cuts_inner_) {
      to += row * across_.dst + start * inner_.dst;
      from += row * across_.src + start * inner_.src;
    } else {
      plane.rows = std::min(piece_, across_.extent - start);
      plane.n = inner_.extent;
      to += start * across_.dst;
      from += start * across_.src;
    }
    if (inner_.dst == 1 || inner_.extent == 1) {
      copy_plane(to, from, plane);
      continue;
    }
    for (int64_t r = 0; r < plane.rows; ++r) {
      for (int64_t i = 0; i < plane.n; ++i)
        to[r * plane.dst_row + i * inner_.dst] = from[r * plane.src_row + i * plane.src_step];
    }
  }
}

}  // namespace onnxray::onednn
