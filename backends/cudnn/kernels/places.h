#pragma once

#include <cstdint>
#include <optional>

#include "backends/cudnn/kernels/launch.h"
#include "backends/loop_nest.h"

namespace onnxray::cudnn {

constexpr int kMaxRank = 8;

/// Offsets of the elements of a shape in several stride sets, by running number: passed to kernels by value.
template <int kSets>
struct Places {
  struct At {
    int64_t offset[kSets];
  };
  int rank = 0;
  bool narrow = false;  ///< running numbers fit 32 bits, whose division is far cheaper
  int64_t extents[kMaxRank] = {};
  int64_t strides[kSets][kMaxRank] = {};

  ONNXRAY_DEVICE At operator()(int64_t i) const {
    return narrow ? find(static_cast<uint32_t>(i)) : find(static_cast<uint64_t>(i));
  }

 private:
  template <class I>
  ONNXRAY_DEVICE At find(I i) const {
    At at = {};
    for (int a = rank - 1; a > 0; --a) {
      const I extent = static_cast<I>(extents[a]), rest = i / extent;
      const auto place = static_cast<int64_t>(i - rest * extent);
      for (int s = 0; s < kSets; ++s) at.offset[s] += place * strides[s][a];
      i = rest;
    }
    for (int s = 0; s < kSets; ++s) at.offset[s] += static_cast<int64_t>(i) * strides[s][0];
    return at;
  }
};

/// Throws std::length_error where more axes remain than a kernel takes; the dispatcher then leaves the step
/// to the CPU.
template <int kSets>
Places<kSets> make_places(const Shape& shape, const std::vector<Strides>& strides,
                          LoopOrder order = LoopOrder::row_major) {
  const LoopNest collapsed = collapse(shape, strides, order);
  if (collapsed.extents.size() > kMaxRank) throw std::length_error("too many axes");
  Places<kSets> places;
  places.rank = static_cast<int>(collapsed.extents.size());
  places.narrow = element_count(shape) < (int64_t{1} << 31);
  for (size_t a = 0; a < collapsed.extents.size(); ++a) {
    places.extents[a] = collapsed.extents[a];
    for (size_t s = 0; s < kSets; ++s) places.strides[s][a] = collapsed.strides[s][a];
  }
  return places;
}

}  // namespace onnxray::cudnn
