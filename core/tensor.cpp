#include "core/tensor.h"

#include <cstring>
#include <new>

#include "core/fail.h"

namespace onnxray {

namespace {

constexpr size_t kAlignment = 64;

/// Calls `visit` with a value of the C++ type that `dtype` reads as (float for the 16-bit types).
template <class Visit>
auto read_element(DType dtype, const std::byte* data, int64_t i, Visit visit) {
  const auto load = [&]<class T>(T) {
    T value;
    std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  };
  switch (dtype) {
    case DType::f16: return visit(half_to_float(load(uint16_t{})));
    case DType::bf16: return visit(bfloat16_to_float(load(uint16_t{})));
    case DType::f32: return visit(load(float{}));
    case DType::f64: return visit(load(double{}));
    case DType::i8: return visit(load(int8_t{}));
    case DType::i16: return visit(load(int16_t{}));
    case DType::i32: return visit(load(int32_t{}));
    case DType::i64: return visit(load(int64_t{}));
    case DType::u8:
    case DType::boolean: return visit(load(uint8_t{}));
    case DType::u16: return visit(load(uint16_t{}));
    case DType::u32: return visit(load(uint32_t{}));
    case DType::u64: return visit(load(uint64_t{}));
  }
  return visit(0.0);
}

/// float to integer conversion that is defined for every value: NaN is 0, the rest saturates.
int64_t truncate(double value) {
  if (!(value == value)) return 0;
  if (value >= 9.2233720368547748e18) return INT64_MAX;
  if (value <= -9.2233720368547758e18) return INT64_MIN;
  return static_cast<int64_t>(value);
}

template <class T>
int64_t as_integer(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return truncate(static_cast<double>(value));
  else
    return static_cast<int64_t>(value);
}

template <class T>
void store(std::byte* data, int64_t i, T value) {
  std::memcpy(data + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

template <class T>
void write_element(DType dtype, std::byte* data, int64_t i, T value) {
  switch (dtype) {
    case DType::f16: return store(data, i, float_to_half(static_cast<float>(value)));
    case DType::bf16: return store(data, i, float_to_bfloat16(static_cast<float>(value)));
    case DType::f32: return store(data, i, static_cast<float>(value));
    case DType::f64: return store(data, i, static_cast<double>(value));
    case DType::i8: return store(data, i, static_cast<int8_t>(as_integer(value)));
    case DType::i16: return store(data, i, static_cast<int16_t>(as_integer(value)));
    case DType::i32: return store(data, i, static_cast<int32_t>(as_integer(value)));
    case DType::i64: return store(data, i, as_integer(value));
    case DType::u8: return store(data, i, static_cast<uint8_t>(as_integer(value)));
    case DType::u16: return store(data, i, static_cast<uint16_t>(as_integer(value)));
    case DType::u32: return store(data, i, static_cast<uint32_t>(as_integer(value)));
    case DType::u64: return store(data, i, static_cast<uint64_t>(as_integer(value)));
    case DType::boolean: return store(data, i, static_cast<uint8_t>(value != T{}));
  }
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape) : Tensor(uninitialised(dtype, std::move(shape))) {
  std::memset(const_cast<std::byte*>(data_), 0, static_cast<size_t>(byte_size()));
}

Tensor Tensor::uninitialised(DType dtype, Shape shape) {
  const auto bytes = static_cast<size_t>(element_count(shape) * size_of(dtype));
  void* memory =
      std::aligned_alloc(kAlignment, std::max((bytes + kAlignment - 1) / kAlignment, size_t{1}) * kAlignment);
  require(memory != nullptr, ErrorCode::failed, "no memory for a tensor of {} bytes", bytes);
  std::shared_ptr<const void> owner(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  Tensor result(dtype, std::move(shape), std::move(owner), static_cast<const std::byte*>(memory));
  result.writable_ = true;
  return result;
}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data)
    : dtype_(dtype),
      shape_(std::move(shape)),
      size_(element_count(shape_)),
      owner_(std::move(owner)),
      data_(data) {}

Tensor Tensor::filled(DType dtype, Shape shape, double value) {
  Tensor result(dtype, std::move(shape));
  std::byte* out = result.mutable_bytes();
  for (int64_t i = 0; i < result.size(); ++i) write_element(dtype, out, i, value);
  return result;
}

std::byte* Tensor::mutable_bytes() {
  if (!writable_ || owner_.use_count() > 1) {
    Tensor copy = uninitialised(dtype_, shape_);
    if (byte_size() > 0)
      std::memcpy(const_cast<std::byte*>(copy.data_), data_, static_cast<size_t>(byte_size()));
    *this = std::move(copy);
  }
  return const_cast<std::byte*>(data_);
}

void Tensor::check_type(DType requested) const {
  if (requested != dtype_) {
    throw std::logic_error(
        fmt::format("Tensor::data<{}> of a tensor of {}", name_of(requested), name_of(dtype_)));
  }
}

double Tensor::as_double(int64_t i) const {
  return read_element(dtype_, data_, i, [](auto v) { return static_cast<double>(v); });
}

int64_t Tensor::as_int64(int64_t i) const {
  return read_element(dtype_, data_, i, [](auto v) { return as_integer(v); });
}

std::vector<int64_t> Tensor::to_int64s() const {
  std::vector<int64_t> values(static_cast<size_t>(size_));
  for (int64_t i = 0; i < size_; ++i) values[static_cast<size_t>(i)] = as_int64(i);
  return values;
}

std::vector<double> Tensor::to_doubles() const {
  std::vector<double> values(static_cast<size_t>(size_));
  for (int64_t i = 0; i < size_; ++i) values[static_cast<size_t>(i)] = as_double(i);
  return values;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result = uninitialised(dtype, shape_);
  std::byte* out = result.mutable_bytes();
  for (int64_t i = 0; i < size_; ++i) {
    read_element(dtype_, data_, i, [&](auto v) {
      write_element(dtype, out, i, v);
      return 0;
    });
  }
  return result;
}

Tensor Tensor::reshaped(Shape shape) const {
  require(element_count(shape) == size_, ErrorCode::usage, "cannot view shape {} as {}", to_string(shape_),
          to_string(shape));
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

}  // namespace onnxray
