#pragma once

#include <cstdint>
#include <string_view>

namespace onnxray {

/// Element types of tensors, as ONNX names them.
enum class DType : uint8_t {
  f16,
  bf16,
  f32,
  f64,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  boolean,
};

/// How a running program holds a value: floating types as the precision's real (float or double),
/// boolean and u8 as one byte, all other integers as int64. A kernel that stores into a narrow
/// integer type wraps to its width; f16 and bf16 are held exactly and round only at the model's rim.
enum class Storage : uint8_t { real, int64, byte };

constexpr bool is_floating(DType t) { return t <= DType::f64; }
constexpr bool is_integer(DType t) { return t > DType::f64 && t != DType::boolean; }

constexpr Storage storage_of(DType t) {
  if (is_floating(t)) return Storage::real;
  return t == DType::boolean || t == DType::u8 ? Storage::byte : Storage::int64;
}

/// Bytes of one element in a Tensor.
int64_t size_of(DType t);
std::string_view name_of(DType t);

/// `value` as it reads back after being stored in the integer type `t` (two's complement).
int64_t wrap_to(DType t, int64_t value);

float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);

}  // namespace onnxray
