#include "core/shape.h"

#include <algorithm>

#include "core/checked.h"

namespace onnxray {

// Called too often to write the shape down before it is known to be wrong.
int64_t element_count(const Shape& shape) {
  constexpr int64_t kLimit = int64_t{1} << 56;
  int64_t count = 1;
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) fail(ErrorCode::unsupported, "shape {} has a negative extent", to_string(shape));
    empty = empty || extent == 0;
    if (extent == 0) continue;
    if (count > kLimit / extent)
      fail(ErrorCode::unsupported, "shape {} is too large to count", to_string(shape));
    count *= extent;
  }
  return empty ? 0 : count;
}

int64_t count_between(const Shape& shape, size_t first, size_t last) {
  int64_t count = 1;
  for (size_t i = first; i < last; ++i) count = checked_product(count, shape[i]);
  return count;
}

Strides row_major_strides(const Shape& shape) {
  Strides strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

Strides channels_last_strides(const Shape& shape) {
  if (shape.size() < 3) return row_major_strides(shape);
  Strides strides(shape.size());
  strides[1] = 1;
  int64_t stride = std::max<int64_t>(shape[1], 1);
  for (size_t i = shape.size(); i-- > 2;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  strides[0] = stride;
  return strides;
}

bool same_layout(const Shape& shape, const Strides& a, const Strides& b) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] > 1 && a[i] != b[i]) return false;
  }
  return true;
}

std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

int64_t normalise_axis(int64_t axis, size_t rank) {
  const auto n = static_cast<int64_t>(rank);
  require(axis >= -n && axis < n, ErrorCode::bad_file, "axis {} is outside a tensor of rank {}", axis, n);
  return axis < 0 ? axis + n : axis;
}

std::vector<int64_t> axes_from(size_t first, size_t rank) {
  std::vector<int64_t> axes;
  for (size_t i = first; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

std::string to_string(const std::vector<std::variant<int64_t, std::string>>& extents) {
  std::vector<std::string> texts;
  for (const auto& extent : extents) {
    const auto* number = std::get_if<int64_t>(&extent);
    texts.push_back(number ? std::to_string(*number) : std::get<std::string>(extent));
  }
  return fmt::format("[{}]", fmt::join(texts, ","));
}

}  // namespace onnxray
