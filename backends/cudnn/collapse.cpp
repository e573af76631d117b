#include "backends/cudnn/collapse.h"

#include <algorithm>
#include <cstdlib>

namespace onnxray::cudnn {

Collapsed collapse(const Shape& shape, const std::vector<Strides>& strides, Order order) {
  std::vector<size_t> axes;
  for (size_t a = 0; a < shape.size(); ++a) {
    if (shape[a] != 1) axes.push_back(a);
  }
  if (order == Order::memory && !strides.empty()) {
    std::ranges::stable_sort(axes, std::ranges::greater{}, [&](size_t a) { return std::abs(strides[0][a]); });
  }
  Collapsed result{{}, std::vector<Strides>(strides.size())};
  for (const size_t axis : axes) {
    const int64_t extent = shape[axis];
    bool merges = !result.extents.empty();
    for (size_t s = 0; merges && s < strides.size(); ++s) {
      merges = result.strides[s].back() == strides[s][axis] * extent;
    }
    if (merges)
      result.extents.back() *= extent;
    else
      result.extents.push_back(extent);
    for (size_t s = 0; s < strides.size(); ++s) {
      if (merges)
        result.strides[s].back() = strides[s][axis];
      else
        result.strides[s].push_back(strides[s][axis]);
    }
  }
  if (result.extents.empty()) {
    result.extents.push_back(1);
    for (Strides& set : result.strides) set.push_back(0);
  }
  return result;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target) {
  Strides result(target.size(), 0);
  const size_t extra = target.size() - shape.size();
  for (size_t a = 0; a < shape.size(); ++a) {
    if (shape[a] != 1) result[a + extra] = strides[a];
  }
  return result;
}

std::vector<int64_t> without(std::vector<int64_t> values, int64_t axis) {
  values.erase(values.begin() + axis);
  return values;
}

}  // namespace onnxray::cudnn
