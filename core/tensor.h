#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace onnxray {

/// The DType of a C++ element type.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::i8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return DType::i16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return DType::u16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return DType::u32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return DType::u64;
  else {
    static_assert(std::is_same_v<T, bool>);
    return DType::boolean;
  }
}

/// A dense row-major array in host memory. Copies share their elements; `mutable_data` un-shares them
/// first, so a Tensor behaves as a value.
class Tensor {
 public:
  Tensor() : Tensor(DType::f32, Shape{0}) {}
  /// Elements are zero.
  Tensor(DType dtype, Shape shape);
  /// Elements that are still to be written.
  static Tensor uninitialised(DType dtype, Shape shape);
  /// Borrows `data`, which `owner` keeps alive; for mapped files and callers' buffers.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data);

  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values);
  template <class T>
  static Tensor scalar(T value) {
    return of<T>({}, {value});
  }
  static Tensor filled(DType dtype, Shape shape, double value);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return size_; }
  int64_t byte_size() const { return size_ * size_of(dtype_); }

  const std::byte* bytes() const { return data_; }
  std::byte* mutable_bytes();
  /// Whether the elements lie in another's memory, such as a mapped file's.
  bool is_borrowed() const { return !writable_; }

  /// The elements; T must be the C++ type of dtype().
  template <class T>
  std::span<const T> data() const;
  template <class T>
  std::span<T> mutable_data();

  /// Element `i` in row-major order, converted.
  double as_double(int64_t i) const;
  int64_t as_int64(int64_t i) const;
  std::vector<int64_t> to_int64s() const;
  std::vector<double> to_doubles() const;

  /// The same elements converted: float to integer truncates, anything to boolean is `!= 0`.
  Tensor to(DType dtype) const;
  /// The same elements under another shape of equal count.
  Tensor reshaped(Shape shape) const;

 private:
  void check_type(DType requested) const;

  DType dtype_;
  Shape shape_;
  int64_t size_;
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  bool writable_ = false;
};

template <class T>
std::span<const T> Tensor::data() const {
  check_type(dtype_of<T>());
  return {reinterpret_cast<const T*>(data_), static_cast<size_t>(size_)};
}

template <class T>
std::span<T> Tensor::mutable_data() {
  check_type(dtype_of<T>());
  return {reinterpret_cast<T*>(mutable_bytes()), static_cast<size_t>(size_)};
}

template <class T>
Tensor Tensor::of(Shape shape, const std::vector<T>& values) {
  Tensor result(dtype_of<T>(), std::move(shape));
  if (result.size() != static_cast<int64_t>(values.size())) throw std::invalid_argument("Tensor::of: count");
  auto* out = reinterpret_cast<T*>(result.mutable_bytes());
  for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return result;
}

}  // namespace onnxray
