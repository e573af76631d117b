#pragma once

#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include "core/dtype.h"
#include "core/fail.h"
#include "core/kernel.h"

namespace onnxray::reference {

/// Calls f(std::type_identity<E>) with the C++ type that holds elements of `dtype`; T is the type of reals.
template <class T, class F>
auto with_storage(DType dtype, F&& f) {
  switch (storage_of(dtype)) {
    case Storage::int64: return f(std::type_identity<int64_t>{});
    case Storage::byte: return f(std::type_identity<uint8_t>{});
    case Storage::real: break;
  }
  return f(std::type_identity<T>{});
}

/// What sums of E are accumulated in: wide enough for the kernels to serve as an oracle.
template <class E>
using Wide = std::conditional_t<std::is_floating_point_v<E>, double, int64_t>;

/// The integer that `value` truncates to: 0 for NaN, the nearest end of the range beyond it.
inline int64_t truncated(double value) {
  if (std::isnan(value)) return 0;
  if (value >= 9223372036854775808.0) return std::numeric_limits<int64_t>::max();
  if (value < -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

// Sums and products of integers wrap; that of reals are what they are.
inline double plus(double a, double b) { return a + b; }
inline double times(double a, double b) { return a * b; }
inline int64_t plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t times(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// `value` as stored in a tensor of `dtype`, whose elements have type E.
template <class E, class V>
E to_element(DType dtype, V value) {
  if constexpr (std::is_floating_point_v<E>) {
    return static_cast<E>(value);
  } else {
    if (dtype == DType::boolean) return static_cast<E>(value != V{0});
    int64_t integer;
    if constexpr (std::is_floating_point_v<V>)
      integer = truncated(static_cast<double>(value));
    else
      integer = value;
    if constexpr (std::is_same_v<E, uint8_t>)
      return static_cast<uint8_t>(integer);
    else
      return dtype == DType::i64 ? integer : wrap_to(dtype, integer);
  }
}

template <class V>
bool is_nan(V value) {
  if constexpr (std::is_floating_point_v<V>)
    return std::isnan(value);
  else
    return false;
}

// Every comparison with NaN is false, so these yield NaN where either operand is.
template <class V>
V larger(V a, V b) {
  return a > b || is_nan(a) ? a : b;
}
template <class V>
V smaller(V a, V b) {
  return a < b || is_nan(a) ? a : b;
}

/// The smallest value of `dtype`, held as E; of reals the smallest float, so that both precisions agree.
template <class E>
E lowest_of(DType dtype) {
  switch (dtype) {
    case DType::i8: return static_cast<E>(std::numeric_limits<int8_t>::lowest());
    case DType::i16: return static_cast<E>(std::numeric_limits<int16_t>::lowest());
    case DType::i32: return static_cast<E>(std::numeric_limits<int32_t>::lowest());
    case DType::u16:
    case DType::u32:
    case DType::u64: return 0;
    case DType::f16:
    case DType::bf16:
    case DType::f32:
    case DType::f64: return static_cast<E>(std::numeric_limits<float>::lowest());
    default: return std::numeric_limits<E>::lowest();
  }
}

/// The largest value of `dtype`, held as E.
template <class E>
E largest_of(DType dtype) {
  switch (dtype) {
    case DType::boolean: return 1;
    case DType::i8: return static_cast<E>(std::numeric_limits<int8_t>::max());
    case DType::i16: return static_cast<E>(std::numeric_limits<int16_t>::max());
    case DType::u16: return static_cast<E>(std::numeric_limits<uint16_t>::max());
    case DType::i32: return static_cast<E>(std::numeric_limits<int32_t>::max());
    case DType::u32: return static_cast<E>(std::numeric_limits<uint32_t>::max());
    default: return std::numeric_limits<E>::max();
  }
}

/// Refuses data operands that are held differently from the result.
inline void require_alike(std::string_view primitive, const Operand& a, const Operand& b) {
  require(storage_of(a.dtype) == storage_of(b.dtype), ErrorCode::unsupported,
          "{}: operands of {} and {} are held differently; cast one of them first", primitive,
          name_of(a.dtype), name_of(b.dtype));
}

template <class E>
const E* in_as(const std::byte* data) {
  return reinterpret_cast<const E*>(data);
}
template <class E>
E* out_as(std::byte* data) {
  return reinterpret_cast<E*>(data);
}

}  // namespace onnxray::reference
