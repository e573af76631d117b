#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "backends/onednn/simd.h"

/// Elementary functions without branches or calls, so that loops over them vectorise. Polynomials are minimax
/// fits in the relative error. Errors over the whole range, denormals included, are in
/// tests/backends/onednn_vector_math_test.cpp.
namespace onnxray::onednn {

/// `a` where `condition`, else `b`: a blend, not a jump.
ONNXRAY_INLINE float blend(bool condition, float a, float b) { return condition ? a : b; }

ONNXRAY_INLINE float magnitude(float x) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0x7fffffffu);
}

ONNXRAY_INLINE float with_sign_of(float x, float sign) {
  return std::bit_cast<float>((std::bit_cast<uint32_t>(x) & 0x7fffffffu) |
                              (std::bit_cast<uint32_t>(sign) & 0x80000000u));
}

/// 2^n for n in [-126, 127].
ONNXRAY_INLINE float power_of_two(int32_t n) { return std::bit_cast<float>((n + 127) << 23); }

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2.
ONNXRAY_INLINE float vector_exp(float x) {
  constexpr float kRounding =
      12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, held in the low bits
  const float bounded = blend(x > 89.0f, 89.0f, blend(x < -104.0f, -104.0f, x));  // a NaN passes both
  const float shifted = bounded * 1.44269504f + kRounding;
  const float n = shifted - kRounding;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRounding);
  const float r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.381459639e-3f;
  p = p * r + 8.368717091e-3f;
  p = p * r + 4.166838809e-2f;
  p = p * r + 1.666652063e-1f;
  p = p * r + 4.999999345e-1f;
  p = p * r * r + r + 1.0f;
  // In two steps, so that both ends of the range, infinity and denormals, come out by plain multiplication.
  const int32_t half = exponent >> 1;
  return p * power_of_two(half) * power_of_two(exponent - half);
}

/// ln x = n ln 2 + ln(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for a normal positive x. `scale` is added to
/// n.
ONNXRAY_INLINE float log_of_normal(float x, float scale) {
  const auto bits =
      static_cast<int32_t>(std::bit_cast<uint32_t>(x) - 0x3f3504f3u);  // wraps for NaN and below 0
  const float n = static_cast<float>(bits >> 23) + scale;
  const float f = std::bit_cast<float>((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
  float p = 6.746601241e-2f;
  p = p * f - 1.167564127e-1f;
  p = p * f + 1.188817462e-1f;
  p = p * f - 1.240559142e-1f;
  p = p * f + 1.421955091e-1f;
  p = p * f - 1.666799567e-1f;
  p = p * f + 2.000211873e-1f;
  p = p * f - 2.500000960e-1f;
  p = p * f + 3.333331260e-1f;
  const float tail = (p * f * f * f + n * -2.12194440e-4f) - 0.5f * f * f;
  return (f + tail) + n * 0.693359375f;
}

ONNXRAY_INLINE float vector_log(float x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const bool tiny = x < std::numeric_limits<float>::min();
  const float result = log_of_normal(blend(tiny, x * 8388608.0f, x), blend(tiny, -23.0f, 0.0f));
  const float at_ends = blend(x == 0, -kInfinity, blend(x < 0, std::numeric_limits<float>::quiet_NaN(), x));
  return blend(x > 0 && x < kInfinity, result, at_ends);
}

/// ln(1 + x) for x in [0, 1].
ONNXRAY_INLINE float vector_log1p(float x) {
  const float u = 1.0f + x;
  return log_of_normal(u, 0.0f) - ((u - 1.0f) - x) / u;  // what rounding u lost, to first order; a NaN too
}

ONNXRAY_INLINE float vector_sigmoid(float x) {
  const float e = vector_exp(-magnitude(x));
  return blend(x < 0, e, 1.0f) / (1.0f + e);
}

ONNXRAY_INLINE float vector_softplus(float x) {
  return blend(x > 0, x, 0.0f) + vector_log1p(vector_exp(-magnitude(x)));
}

ONNXRAY_INLINE float vector_tanh(float x) {
  const float t = x * x;
  float p = 2.231061051e-3f;
  p = p * t - 8.267087550e-3f;
  p = p * t + 2.173443838e-2f;
  p = p * t - 5.395247532e-2f;
  p = p * t + 1.333324779e-1f;
  p = p * t - 3.333333178e-1f;
  const float near = x + x * t * p;
  const float far = 1.0f - 2.0f / (vector_exp(2.0f * magnitude(x)) + 1.0f);
  return with_sign_of(blend(magnitude(x) < 0.6f, near, far), x);
}

/// Near 0 a polynomial; from 1 on erf x = 1 - e^-Q(x).
ONNXRAY_INLINE float vector_erf(float x) {
  const float t = x * x;
  float p = -9.680135830e-6f;
  p = p * t + 1.127054431e-4f;
  p = p * t - 8.484711426e-4f;
  p = p * t + 5.221074877e-3f;
  p = p * t - 2.686544582e-2f;
  p = p * t + 1.128378275e-1f;
  p = p * t - 3.761263848e-1f;
  p = p * t + 1.128379167f;
  const float a = blend(magnitude(x) > 4.0f, 4.0f, magnitude(x));  // erf 4 rounds to 1
  float q = -1.793356415e-4f;
  q = q * a + 2.878256565e-3f;
  q = q * a - 2.155972129e-2f;
  q = q * a + 1.025247505e-1f;
  q = q * a + 6.388145467e-1f;
  q = q * a + 1.126686701f;
  q = q * a + 4.403236534e-4f;
  const float far = with_sign_of(1.0f - vector_exp(-q), x);
  return blend(magnitude(x) >= 1.0f, far, x * p);
}

}  // namespace onnxray::onednn
