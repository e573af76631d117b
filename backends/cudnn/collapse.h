#pragma once

#include <vector>

#include "core/shape.h"

namespace onnxray::cudnn {

/// A shape walked along several stride sets at once, with as few axes as possible.
struct Collapsed {
  Shape extents;
  std::vector<Strides> strides;  ///< by set, then by axis
};

enum class Order : uint8_t {
  row_major,
  memory,  ///< so that the first stride set ascends through memory
};

/// Drops axes of extent 1 and merges neighbours where every stride set allows it. Rank at least 1.
Collapsed collapse(const Shape& shape, const std::vector<Strides>& strides, Order order);

/// Strides that read a tensor of `shape` under the larger shape `target` by numpy's rules: 0 where it
/// repeats.
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target);

/// `values` without entry `axis`.
std::vector<int64_t> without(std::vector<int64_t> values, int64_t axis);

}  // namespace onnxray::cudnn
