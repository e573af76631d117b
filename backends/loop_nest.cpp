#include "backends/loop_nest.h"

#include <algorithm>
#include <cstdlib>

namespace onnxray {

LoopNest collapse(const Shape& shape, const std::vector<Strides>& strides, LoopOrder order) {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) axes.push_back(axis);
  }
  if (order == LoopOrder::memory && !strides.empty()) {
    std::ranges::stable_sort(
        axes, [&](size_t a, size_t b) { return std::abs(strides[0][a]) > std::abs(strides[0][b]); });
  }
  LoopNest nest{{}, std::vector<Strides>(strides.size())};
  for (const size_t axis : axes) {
    bool merges = !nest.extents.empty();
    for (size_t k = 0; merges && k < strides.size(); ++k) {
      merges = nest.strides[k].back() == strides[k][axis] * shape[axis];
    }
    if (merges) {
      nest.extents.back() *= shape[axis];
    } else {
      nest.extents.push_back(shape[axis]);
    }
    for (size_t k = 0; k < strides.size(); ++k) {
      if (merges)
        nest.strides[k].back() = strides[k][axis];
      else
        nest.strides[k].push_back(strides[k][axis]);
    }
  }
  if (nest.extents.empty()) {
    nest.extents.push_back(1);
    for (size_t k = 0; k < strides.size(); ++k) nest.strides[k].push_back(k == 0 ? 1 : 0);
  }
  return nest;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, size_t rank) {
  Strides result(rank, 0);
  for (size_t i = 0; i < shape.size(); ++i) {
    result[rank - shape.size() + i] = shape[i] == 1 ? 0 : strides[i];
  }
  return result;
}

std::vector<int64_t> without(std::vector<int64_t> values, int64_t axis) {
  values.erase(values.begin() + axis);
  return values;
}

}  // namespace onnxray
