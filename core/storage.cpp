#include "core/storage.h"

#include <cstring>

namespace onnxray {

namespace {

/// Copies a strided array into a dense row-major one.
void gather_strided(std::byte* dst, const std::byte* src, const Shape& shape, const Strides& strides,
                    int64_t size) {
  const int64_t count = element_count(shape);
  if (same_layout(shape, strides, row_major_strides(shape))) {
    std::memcpy(dst, src, static_cast<size_t>(count * size));
    return;
  }
  std::vector<int64_t> index(shape.size(), 0);
  const size_t last = shape.size() - 1;
  for (int64_t i = 0; i < count;) {
    int64_t offset = 0;
    for (size_t a = 0; a < last; ++a) offset += index[a] * strides[a];
    for (int64_t j = 0; j < shape[last]; ++j, ++i) {
      std::memcpy(dst + i * size, src + (offset + j * strides[last]) * size, static_cast<size_t>(size));
    }
    for (size_t a = last; a-- > 0;) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
}

}  // namespace

DType stored_dtype(DType dtype, const PlanOptions& options) {
  switch (storage_of(dtype)) {
    case Storage::real: return options.real_size == 8 ? DType::f64 : DType::f32;
    case Storage::int64: return DType::i64;
    case Storage::byte: return DType::u8;
  }
  return dtype;
}

Tensor to_storage(const Tensor& t, DType dtype, const PlanOptions& options) {
  const DType stored = stored_dtype(dtype, options);
  if (t.dtype() == DType::boolean && stored == DType::u8) return t;
  if (dtype == DType::boolean) return t.to(DType::boolean);
  return t.to(stored);
}

Tensor from_storage(const std::byte* data, const Variable& variable, const Strides& strides,
                    const PlanOptions& options) {
  const DType stored =
      variable.dtype == DType::boolean ? DType::boolean : stored_dtype(variable.dtype, options);
  Tensor result(stored, variable.shape);
  gather_strided(result.mutable_bytes(), data, variable.shape, strides, size_of(stored));
  return is_floating(variable.dtype) ? result : result.to(variable.dtype);
}

}  // namespace onnxray
