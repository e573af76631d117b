#include "core/dtype.h"

#include <bit>
#include <cmath>

namespace onnxray {

int64_t size_of(DType t) {
  switch (t) {
    case DType::i8:
    case DType::u8:
    case DType::boolean: return 1;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16: return 2;
    case DType::f32:
    case DType::i32:
    case DType::u32: return 4;
    case DType::f64:
    case DType::i64:
    case DType::u64: return 8;
  }
  return 0;
}

std::string_view name_of(DType t) {
  switch (t) {
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::i8: return "i8";
    case DType::i16: return "i16";
    case DType::i32: return "i32";
    case DType::i64: return "i64";
    case DType::u8: return "u8";
    case DType::u16: return "u16";
    case DType::u32: return "u32";
    case DType::u64: return "u64";
    case DType::boolean: return "bool";
  }
  return "?";
}

int64_t wrap_to(DType t, int64_t value) {
  switch (t) {
    case DType::i8: return static_cast<int8_t>(value);
    case DType::u8: return static_cast<uint8_t>(value);
    case DType::i16: return static_cast<int16_t>(value);
    case DType::u16: return static_cast<uint16_t>(value);
    case DType::i32: return static_cast<int32_t>(value);
    case DType::u32: return static_cast<uint32_t>(value);
    case DType::boolean: return value != 0;
    case DType::f16:
    case DType::bf16:
    case DType::f32:
    case DType::f64:
    case DType::i64:
    case DType::u64: return value;
  }
  return value;
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
float half_to_float(uint16_t bits) {
  const int sign = bits >> 15, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  float value;
  if (exponent == 0)
    value = std::ldexp(static_cast<float>(fraction), -24);
  else if (exponent == 31)
    value = fraction ? NAN : INFINITY;
  else
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return sign ? -value : value;
}

uint16_t float_to_half(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return static_cast<uint16_t>(sign | 0x7c00);  // rounds past the largest half
  int exponent;
  std::frexp(magnitude, &exponent);        // magnitude = m * 2^exponent, m in [0.5, 1)
  if (exponent < -13 || magnitude == 0) {  // subnormal: units of 2^-24; frexp(0) says 0
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  // A fraction that rounds up to 2048 carries into the exponent field by itself.
  const auto fraction = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 11 - exponent)));
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + (fraction - 1024)));
}

float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t float_to_bfloat16(float value) {
  if (std::isnan(value)) return 0x7fc0;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t round_to_even = 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>((bits + round_to_even) >> 16);
}

}  // namespace onnxray
