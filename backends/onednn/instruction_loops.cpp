#include "backends/onednn/instruction_loops.h"

#include <algorithm>
#include <cmath>

#include "backends/onednn/simd.h"
#include "backends/onednn/vector_math.h"

namespace onnxray::onednn {

namespace {

/// For long functions: a lambda around one of these is not always inlined.
template <float (*f)(float)>
ONNXRAY_INLINE void map(float* y, const float* a, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i]);
}

template <class F>
ONNXRAY_INLINE void map(float* y, const float* a, int64_t n, F f) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i]);
}

template <class F>
ONNXRAY_INLINE void map(float* y, const float* a, const float* b, int64_t n, F f) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

template <class F>
ONNXRAY_INLINE void map(float* y, const float* a, const float* b, const float* c, int64_t n, F f) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i], c[i]);
}

ONNXRAY_INLINE float as_real(bool condition) { return condition ? 1.0f : 0.0f; }

/// floor, ceil and round without SSE4.1: at 2^23 and beyond every float is whole.
ONNXRAY_INLINE float whole(float x) {
  const float shift = with_sign_of(8388608.0f, x);
  return blend(magnitude(x) < 8388608.0f, with_sign_of((x + shift) - shift, x), x);
}

float floored_mod(float a, float b) {
  const float rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// Functions of the C library, one call per element.
void apply_library(Opcode op, float* y, const float* a, const float* b, int64_t n) {
  const auto each = [&](auto f) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i]);
  };
  switch (op) {
    case Opcode::sin: return each([](float x) { return std::sin(x); });
    case Opcode::cos: return each([](float x) { return std::cos(x); });
    case Opcode::tan: return each([](float x) { return std::tan(x); });
    case Opcode::asin: return each([](float x) { return std::asin(x); });
    case Opcode::acos: return each([](float x) { return std::acos(x); });
    case Opcode::atan: return each([](float x) { return std::atan(x); });
    case Opcode::sinh: return each([](float x) { return std::sinh(x); });
    case Opcode::cosh: return each([](float x) { return std::cosh(x); });
    case Opcode::asinh: return each([](float x) { return std::asinh(x); });
    case Opcode::acosh: return each([](float x) { return std::acosh(x); });
    case Opcode::atanh: return each([](float x) { return std::atanh(x); });
    case Opcode::pow:
      for (int64_t i = 0; i < n; ++i) y[i] = std::pow(a[i], b[i]);
      return;
    case Opcode::fmod:
      for (int64_t i = 0; i < n; ++i) y[i] = std::fmod(a[i], b[i]);
      return;
    case Opcode::mod:
      for (int64_t i = 0; i < n; ++i) y[i] = floored_mod(a[i], b[i]);
      return;
    default: return;  // has_loop() keeps the others out
  }
}

}  // namespace

bool has_loop(Opcode op) {
  return op < Opcode::bitwise_and ? op != Opcode::bitwise_not : op >= Opcode::select;
}

ONNXRAY_EACH_ISA
void apply(Opcode op, float* y, const float* a, const float* b, const float* c, int64_t n) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (op) {
    case Opcode::copy: return map(y, a, n, [](float x) { return x; });
    case Opcode::neg: return map(y, a, n, [](float x) { return -x; });
    case Opcode::abs: return map<magnitude>(y, a, n);
    case Opcode::relu: return map(y, a, n, [](float x) { return blend(x < 0, 0.0f, x); });
    case Opcode::exp: return map<vector_exp>(y, a, n);
    case Opcode::log: return map<vector_log>(y, a, n);
    case Opcode::sqrt: return map(y, a, n, [](float x) { return std::sqrt(x); });
    case Opcode::reciprocal: return map(y, a, n, [](float x) { return 1.0f / x; });
    case Opcode::tanh: return map<vector_tanh>(y, a, n);
    case Opcode::erf: return map<vector_erf>(y, a, n);
    case Opcode::sigmoid: return map<vector_sigmoid>(y, a, n);
    case Opcode::softplus: return map<vector_softplus>(y, a, n);
    case Opcode::round: return map<whole>(y, a, n);
    case Opcode::floor:
      return map(y, a, n, [](float x) { return with_sign_of(whole(x) - as_real(whole(x) > x), x); });
    case Opcode::ceil:
      return map(y, a, n, [](float x) { return with_sign_of(whole(x) + as_real(whole(x) < x), x); });
    case Opcode::is_nan: return map(y, a, n, [](float x) { return as_real(x != x); });
    case Opcode::is_inf: return map(y, a, n, [](float x) { return as_real(magnitude(x) == kInfinity); });
    case Opcode::logical_not: return map(y, a, n, [](float x) { return as_real(x == 0); });
    case Opcode::sign:
      return map(y, a, n, [](float x) { return blend(x > 0, 1.0f, blend(x < 0, -1.0f, x)); });
    case Opcode::sign_positive: return map(y, a, n, [](float x) { return blend(x < 0, -1.0f, 1.0f); });
    case Opcode::add: return map(y, a, b, n, [](float p, float q) { return p + q; });
    case Opcode::sub: return map(y, a, b, n, [](float p, float q) { return p - q; });
    case Opcode::mul: return map(y, a, b, n, [](float p, float q) { return p * q; });
    case Opcode::div: return map(y, a, b, n, [](float p, float q) { return p / q; });
    // Comparisons with NaN are false: either operand's NaN comes out.
    case Opcode::min: return map(y, a, b, n, [](float p, float q) { return blend(p < q || p != p, p, q); });
    case Opcode::max: return map(y, a, b, n, [](float p, float q) { return blend(p > q || p != p, p, q); });
    case Opcode::equal: return map(y, a, b, n, [](float p, float q) { return as_real(p == q); });
    case Opcode::less: return map(y, a, b, n, [](float p, float q) { return as_real(p < q); });
    case Opcode::less_equal: return map(y, a, b, n, [](float p, float q) { return as_real(p <= q); });
    case Opcode::logical_and:
      return map(y, a, b, n, [](float p, float q) { return as_real((p != 0) & (q != 0)); });
    case Opcode::logical_or:
      return map(y, a, b, n, [](float p, float q) { return as_real((p != 0) | (q != 0)); });
    case Opcode::logical_xor:
      return map(y, a, b, n, [](float p, float q) { return as_real((p != 0) != (q != 0)); });
    case Opcode::select:
      return map(y, a, b, c, n, [](float m, float p, float q) { return blend(m != 0, p, q); });
    case Opcode::clip:
      return map(y, a, b, c, n, [](float x, float low, float high) {
        const float above = blend(x < low || low != low, low, x);
        return blend(high < above || high != high, high, above);
      });
    default: return apply_library(op, y, a, b, n);
  }
}

ONNXRAY_EACH_ISA
void load_bytes(float* y, const uint8_t* x, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(static_cast<int32_t>(x[i]));
}

ONNXRAY_EACH_ISA
void load_integers(float* y, const int64_t* x, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

ONNXRAY_EACH_ISA
void store_mask(uint8_t* y, const float* x, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0 ? 1 : 0;
}

ONNXRAY_EACH_ISA
void load_bits(float* y, const uint8_t* x, int64_t n) {
  for (int64_t i = 0; i + 8 <= n; i += 8) {
    const int32_t byte = x[i / 8];
#pragma omp simd
    for (int32_t k = 0; k < 8; ++k) y[i + k] = static_cast<float>(byte >> k & 1);
  }
  for (int64_t i = n / 8 * 8; i < n; ++i) y[i] = static_cast<float>(x[i / 8] >> i % 8 & 1);
}

ONNXRAY_EACH_ISA
void store_bits(uint8_t* y, const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += 8) {
    const int64_t count = std::min<int64_t>(8, n - i);
    uint32_t byte = 0;
    for (int64_t k = 0; k < count; ++k) byte |= (x[i + k] != 0 ? 1U : 0U) << k;
    y[i / 8] = static_cast<uint8_t>(byte);
  }
}

}  // namespace onnxray::onednn
