// The elementwise vocabulary (core/expression.h) as device functions. Compiled by nvcc, by a host compiler
// (tests) and, as text, by NVRTC: so no header is included and only CUDA's built-in mathematics is used.

#ifdef __CUDACC__
#define ONNXRAY_DEVICE __host__ __device__ inline
#else
#define ONNXRAY_DEVICE inline
#endif

namespace onnxray::cudnn {

using Whole = long long;  // int64, by a name that NVRTC knows

// NaN is the one value that differs from itself.
ONNXRAY_DEVICE bool is_nan(float a) { return a != a; }
ONNXRAY_DEVICE bool is_nan(double a) { return a != a; }
ONNXRAY_DEVICE bool is_nan(Whole) { return false; }

/// The integer that `a` truncates to: 0 for NaN, the nearest end of the range beyond it.
ONNXRAY_DEVICE Whole truncated(double a) {
  if (is_nan(a)) return 0;
  if (a >= 9223372036854775808.0) return 0x7fffffffffffffffLL;
  if (a < -9223372036854775808.0) return -0x7fffffffffffffffLL - 1;
  return static_cast<Whole>(a);
}

/// The low `bits` bits of `a`, as two's complement or unsigned.
ONNXRAY_DEVICE Whole wrap(int bits, bool is_signed, Whole a) {
  if (bits >= 64) return a;
  const auto low = static_cast<unsigned long long>(a) << (64 - bits);
  return is_signed ? static_cast<Whole>(low) >> (64 - bits) : static_cast<Whole>(low >> (64 - bits));
}

// Sums and products of integers wrap.
ONNXRAY_DEVICE float op_add(float a, float b) { return a + b; }
ONNXRAY_DEVICE double op_add(double a, double b) { return a + b; }
ONNXRAY_DEVICE Whole op_add(Whole a, Whole b) {
  return static_cast<Whole>(static_cast<unsigned long long>(a) + static_cast<unsigned long long>(b));
}
ONNXRAY_DEVICE float op_mul(float a, float b) { return a * b; }
ONNXRAY_DEVICE double op_mul(double a, double b) { return a * b; }
ONNXRAY_DEVICE Whole op_mul(Whole a, Whole b) {
  return static_cast<Whole>(static_cast<unsigned long long>(a) * static_cast<unsigned long long>(b));
}
ONNXRAY_DEVICE float op_neg(float a) { return -a; }
ONNXRAY_DEVICE Whole op_neg(Whole a) { return op_mul(a, Whole{-1}); }
ONNXRAY_DEVICE float op_sub(float a, float b) { return a - b; }
ONNXRAY_DEVICE Whole op_sub(Whole a, Whole b) { return op_add(a, op_neg(b)); }
ONNXRAY_DEVICE float op_div(float a, float b) { return a / b; }
ONNXRAY_DEVICE Whole op_div(Whole a, Whole b) {
  if (b == 0) return 0;
  return b == -1 ? op_neg(a) : a / b;
}
ONNXRAY_DEVICE float op_fmod(float a, float b) { return fmodf(a, b); }
ONNXRAY_DEVICE Whole op_fmod(Whole a, Whole b) { return b == 0 || b == -1 ? 0 : a % b; }

/// a^b by repeated squaring; a negative exponent leaves 0, or +-1 where |a| is 1.
ONNXRAY_DEVICE Whole op_pow(Whole a, Whole b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  Whole power = 1;
  for (; b > 0; b >>= 1, a = op_mul(a, a)) {
    if (b & 1) power = op_mul(power, a);
  }
  return power;
}
ONNXRAY_DEVICE float op_pow(float a, float b) { return powf(a, b); }

ONNXRAY_DEVICE float op_abs(float a) { return fabsf(a); }
ONNXRAY_DEVICE Whole op_abs(Whole a) { return a < 0 ? op_neg(a) : a; }

ONNXRAY_DEVICE float op_sigmoid(float a) {
  // Both forms stay below 1 in what they exponentiate, so neither overflows.
  if (a >= 0) return 1 / (1 + expf(-a));
  const float e = expf(a);
  return e / (1 + e);
}
ONNXRAY_DEVICE double op_sigmoid(double a) {
  if (a >= 0) return 1 / (1 + exp(-a));
  const double e = exp(a);
  return e / (1 + e);
}

// Every comparison with NaN is false, so these yield NaN where either operand is.
template <class D>
ONNXRAY_DEVICE D op_max(D a, D b) {
  return a > b || is_nan(a) ? a : b;
}
template <class D>
ONNXRAY_DEVICE D op_min(D a, D b) {
  return a < b || is_nan(a) ? a : b;
}

ONNXRAY_DEVICE float op_softplus(float a) { return op_max(a, 0.0f) + log1pf(expf(-fabsf(a))); }
ONNXRAY_DEVICE double op_softplus(double a) { return op_max(a, 0.0) + log1p(exp(-fabs(a))); }

// Functions of reals: float as it is, integers through double and truncated.
ONNXRAY_DEVICE float op_exp(float a) { return expf(a); }
ONNXRAY_DEVICE float op_log(float a) { return logf(a); }
ONNXRAY_DEVICE float op_sqrt(float a) { return sqrtf(a); }
ONNXRAY_DEVICE float op_sin(float a) { return sinf(a); }
ONNXRAY_DEVICE float op_cos(float a) { return cosf(a); }
ONNXRAY_DEVICE float op_tan(float a) { return tanf(a); }
ONNXRAY_DEVICE float op_asin(float a) { return asinf(a); }
ONNXRAY_DEVICE float op_acos(float a) { return acosf(a); }
ONNXRAY_DEVICE float op_atan(float a) { return atanf(a); }
ONNXRAY_DEVICE float op_sinh(float a) { return sinhf(a); }
ONNXRAY_DEVICE float op_cosh(float a) { return coshf(a); }
ONNXRAY_DEVICE float op_asinh(float a) { return asinhf(a); }
ONNXRAY_DEVICE float op_acosh(float a) { return acoshf(a); }
ONNXRAY_DEVICE float op_atanh(float a) { return atanhf(a); }
ONNXRAY_DEVICE float op_tanh(float a) { return tanhf(a); }
ONNXRAY_DEVICE float op_erf(float a) { return erff(a); }
ONNXRAY_DEVICE float op_floor(float a) { return floorf(a); }
ONNXRAY_DEVICE float op_ceil(float a) { return ceilf(a); }
ONNXRAY_DEVICE float op_round(float a) { return rintf(a); }  // half to even
ONNXRAY_DEVICE Whole op_exp(Whole a) { return truncated(exp(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_log(Whole a) { return truncated(log(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_sqrt(Whole a) { return truncated(sqrt(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_sin(Whole a) { return truncated(sin(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_cos(Whole a) { return truncated(cos(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_tan(Whole a) { return truncated(tan(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_asin(Whole a) { return truncated(asin(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_acos(Whole a) { return truncated(acos(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_atan(Whole a) { return truncated(atan(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_sinh(Whole a) { return truncated(sinh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_cosh(Whole a) { return truncated(cosh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_asinh(Whole a) { return truncated(asinh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_acosh(Whole a) { return truncated(acosh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_atanh(Whole a) { return truncated(atanh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_tanh(Whole a) { return truncated(tanh(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_erf(Whole a) { return truncated(erf(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_sigmoid(Whole a) { return truncated(op_sigmoid(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_softplus(Whole a) { return truncated(op_softplus(static_cast<double>(a))); }
ONNXRAY_DEVICE Whole op_floor(Whole a) { return a; }
ONNXRAY_DEVICE Whole op_ceil(Whole a) { return a; }
ONNXRAY_DEVICE Whole op_round(Whole a) { return a; }

ONNXRAY_DEVICE float op_is_inf(float a) { return a - a != 0 && !is_nan(a) ? 1.0f : 0.0f; }
ONNXRAY_DEVICE Whole op_is_inf(Whole) { return 0; }

template <class D>
ONNXRAY_DEVICE D op_copy(D a) {
  return a;
}
template <class D>
ONNXRAY_DEVICE D op_relu(D a) {
  return a < 0 ? D{0} : a;
}
template <class D>
ONNXRAY_DEVICE D op_reciprocal(D a) {
  return op_div(D{1}, a);
}
template <class D>
ONNXRAY_DEVICE D op_is_nan(D a) {
  return is_nan(a) ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_not(D a) {
  return a == 0 ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_sign(D a) {
  return is_nan(a) ? a : static_cast<D>((a > 0) - (a < 0));
}
template <class D>
ONNXRAY_DEVICE D op_sign_positive(D a) {
  return a < 0 ? D{-1} : D{1};
}

/// The result has the sign of the divisor.
template <class D>
ONNXRAY_DEVICE D op_mod(D a, D b) {
  const D r = op_fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? op_add(r, b) : r;
}
template <class D>
ONNXRAY_DEVICE D op_equal(D a, D b) {
  return a == b ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_less(D a, D b) {
  return a < b ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_less_equal(D a, D b) {
  return a <= b ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_and(D a, D b) {
  return a != 0 && b != 0 ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_or(D a, D b) {
  return a != 0 || b != 0 ? D{1} : D{0};
}
template <class D>
ONNXRAY_DEVICE D op_xor(D a, D b) {
  return (a != 0) != (b != 0) ? D{1} : D{0};
}

ONNXRAY_DEVICE Whole op_bitwise_not(Whole a) { return ~a; }
ONNXRAY_DEVICE Whole op_bitwise_and(Whole a, Whole b) { return a & b; }
ONNXRAY_DEVICE Whole op_bitwise_or(Whole a, Whole b) { return a | b; }
ONNXRAY_DEVICE Whole op_bitwise_xor(Whole a, Whole b) { return a ^ b; }
// Logical shifts: what leaves the 64 bits is lost.
ONNXRAY_DEVICE Whole op_shift_left(Whole a, Whole by) {
  return by < 0 || by >= 64 ? 0 : static_cast<Whole>(static_cast<unsigned long long>(a) << by);
}
ONNXRAY_DEVICE Whole op_shift_right(Whole a, Whole by) {
  return by < 0 || by >= 64 ? 0 : static_cast<Whole>(static_cast<unsigned long long>(a) >> by);
}
ONNXRAY_DEVICE float op_bitwise_not(float a) { return static_cast<float>(~truncated(a)); }
ONNXRAY_DEVICE float op_bitwise_and(float a, float b) {
  return static_cast<float>(truncated(a) & truncated(b));
}
ONNXRAY_DEVICE float op_bitwise_or(float a, float b) {
  return static_cast<float>(truncated(a) | truncated(b));
}
ONNXRAY_DEVICE float op_bitwise_xor(float a, float b) {
  return static_cast<float>(truncated(a) ^ truncated(b));
}
ONNXRAY_DEVICE float op_shift_left(float a, float b) {
  return static_cast<float>(op_shift_left(truncated(a), truncated(b)));
}
ONNXRAY_DEVICE float op_shift_right(float a, float b) {
  return static_cast<float>(op_shift_right(truncated(a), truncated(b)));
}

template <class D>
ONNXRAY_DEVICE D op_select(D a, D b, D c) {
  return a != 0 ? b : c;
}
template <class D>
ONNXRAY_DEVICE D op_clip(D x, D low, D high) {
  return op_min(op_max(x, low), high);
}

}  // namespace onnxray::cudnn
