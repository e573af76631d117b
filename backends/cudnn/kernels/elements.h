#pragma once

#include <stdexcept>
#include <type_traits>

#include "backends/cudnn/kernels/launch.h"

namespace onnxray::cudnn {

/// Calls f(std::type_identity<E>) with the type that holds elements of `dtype`.
template <class F>
auto with_storage(DType dtype, F&& f) {
  switch (storage_of(dtype)) {
    case Storage::int64: return f(std::type_identity<Whole>{});
    case Storage::byte: return f(std::type_identity<unsigned char>{});
    case Storage::real: break;
  }
  return f(std::type_identity<float>{});
}

/// What sums of E are accumulated in.
template <class E>
using Wide = std::conditional_t<std::is_floating_point_v<E>, double, Whole>;

/// How a value is stored in a tensor of some type (core/dtype.h): passed to kernels by value.
struct StoreAs {
  bool boolean = false, is_signed = true;
  int bits = 64;

  template <class E, class V>
  ONNXRAY_DEVICE E to(V value) const {
    if constexpr (std::is_floating_point_v<E>) {
      return static_cast<E>(value);
    } else {
      if (boolean) return static_cast<E>(value != V{0});
      if constexpr (std::is_floating_point_v<V>)
        return static_cast<E>(wrap(bits, is_signed, truncated(static_cast<double>(value))));
      else
        return static_cast<E>(wrap(bits, is_signed, static_cast<Whole>(value)));
    }
  }
};

inline StoreAs store_as(DType dtype) {
  const bool is_signed =
      dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
  const int bits = is_integer(dtype) ? static_cast<int>(8 * size_of(dtype)) : 64;
  return {dtype == DType::boolean, is_signed, bits};
}

/// The smallest and the largest value of `dtype`, held as E; of reals the smallest float.
template <class E>
E lowest_of(DType dtype) {
  if constexpr (std::is_floating_point_v<E>) {
    return -3.402823466e38f;
  } else {
    const StoreAs store = store_as(dtype);
    return store.is_signed ? static_cast<E>(wrap(store.bits, true, Whole{1} << (store.bits - 1))) : E{0};
  }
}
template <class E>
E largest_of(DType dtype) {
  if constexpr (std::is_floating_point_v<E>) {
    return 3.402823466e38f;
  } else {
    if (dtype == DType::boolean) return E{1};
    const StoreAs store = store_as(dtype);
    if (store.is_signed || store.bits == 64)
      return static_cast<E>(~lowest_of<Whole>(store.is_signed ? dtype : DType::i64));
    return static_cast<E>((Whole{1} << store.bits) - 1);
  }
}

/// For operands that are held differently: no kernel here converts.
inline bool alike(const Operand& a, const Operand& b) { return storage_of(a.dtype) == storage_of(b.dtype); }

template <class E>
const E* in_as(const std::byte* data) {
  return reinterpret_cast<const E*>(data);
}
template <class E>
E* out_as(std::byte* data) {
  return reinterpret_cast<E*>(data);
}

}  // namespace onnxray::cudnn
