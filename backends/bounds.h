#pragma once

#include <algorithm>

#include "core/kernel.h"

namespace onnxray {

/// Whether each place of `shape` by `strides`, from `offset` on, lies in the operand: for asserts of what
/// walks by strides that are not the operand's own.
inline bool stays_inside(const Operand& operand, const Shape& shape, const Strides& strides,
                         int64_t offset = 0) {
  int64_t low = offset, high = offset, end = 0;
  for (size_t a = 0; a < shape.size(); ++a) {
    if (shape[a] == 0) return true;
    const int64_t way = (shape[a] - 1) * strides[a];
    low += std::min<int64_t>(way, 0);
    high += std::max<int64_t>(way, 0);
  }
  for (size_t a = 0; a < operand.shape.size(); ++a) end += (operand.shape[a] - 1) * operand.strides[a];
  return low >= 0 && high <= end;
}

}  // namespace onnxray
