#include "backends/reference/opcodes.h"

#include <cmath>

#include "backends/reference/element.h"

namespace onnxray::reference {

namespace {

template <class D>
constexpr bool kReal = std::is_floating_point_v<D>;

/// A function of reals; integers go through double and truncate.
template <class F, class D>
D real_function(F f, D a) {
  if constexpr (kReal<D>)
    return f(a);
  else
    return truncated(f(static_cast<double>(a)));
}

/// Rounding, which leaves integers as they are.
template <class F, class D>
D rounded(F f, D a) {
  if constexpr (kReal<D>)
    return f(a);
  else
    return a;
}

template <class D>
D sigmoid(D a) {
  // Both forms stay below 1 in what they exponentiate, so neither overflows.
  if (a >= 0) return 1 / (1 + std::exp(-a));
  const D e = std::exp(a);
  return e / (1 + e);
}

template <class D>
D softplus(D a) {
  return larger(a, D{0}) + std::log1p(std::exp(-std::abs(a)));
}

/// a^b by repeated squaring; a negative exponent leaves 0, or +-1 where |a| is 1. 0 to a negative power is 0.
int64_t integer_power(int64_t a, int64_t b) {
  if (b < 0) {
    if (a == 1) return 1;
    if (a == -1) return b % 2 == 0 ? 1 : -1;
    return 0;
  }
  int64_t power = 1;
  for (; b > 0; b >>= 1, a = times(a, a)) {
    if (b & 1) power = times(power, a);
  }
  return power;
}

int64_t integer_quotient(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? times(a, -1) : a / b;
}

int64_t integer_remainder(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

template <class D>
D negate(D a) {
  if constexpr (kReal<D>)
    return -a;
  else
    return times(a, D{-1});
}

template <class D>
D divide(D a, D b) {
  if constexpr (kReal<D>)
    return a / b;
  else
    return integer_quotient(a, b);
}

template <class D>
D power(D a, D b) {
  if constexpr (kReal<D>)
    return std::pow(a, b);
  else
    return integer_power(a, b);
}

template <class D>
D remainder_of(D a, D b) {
  if constexpr (kReal<D>)
    return std::fmod(a, b);
  else
    return integer_remainder(a, b);
}

template <class D>
D modulo(D a, D b) {
  const D r = remainder_of(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

template <class D>
D sign(D a) {
  if (is_nan(a)) return a;
  return static_cast<D>((a > 0) - (a < 0));
}

/// Logical shifts: ONNX shifts unsigned integers only. What leaves the 64 bits is lost.
int64_t shifted(int64_t a, int64_t by, bool left) {
  if (by < 0 || by >= 64) return 0;
  const auto bits = static_cast<uint64_t>(a);
  return static_cast<int64_t>(left ? bits << by : bits >> by);
}

template <class D, class F>
D on_integers(F f, D a, D b) {
  if constexpr (kReal<D>)
    return static_cast<D>(f(truncated(static_cast<double>(a)), truncated(static_cast<double>(b))));
  else
    return f(a, b);
}

template <class D>
D sum(D a, D b) {
  if constexpr (kReal<D>)
    return a + b;
  else
    return plus(a, b);
}

template <class D>
D difference(D a, D b) {
  if constexpr (kReal<D>)
    return a - b;
  else
    return plus(a, times(b, D{-1}));
}

template <class D>
D product(D a, D b) {
  if constexpr (kReal<D>)
    return a * b;
  else
    return times(a, b);
}

template <class D, class F>
void each(int64_t n, D* y, const D* a, F f) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<D>(f(a[i]));
}

template <class D, class F>
void each_real(int64_t n, D* y, const D* a, F f) {
  for (int64_t i = 0; i < n; ++i) y[i] = real_function(f, a[i]);
}

template <class D, class F>
void each(int64_t n, D* y, const D* a, const D* b, F f) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<D>(f(a[i], b[i]));
}

template <class D, class F>
void each_integer(int64_t n, D* y, const D* a, const D* b, F f) {
  for (int64_t i = 0; i < n; ++i) y[i] = on_integers(f, a[i], b[i]);
}

}  // namespace

template <class D>
void apply(Opcode op, int64_t n, D* y, const D* a, const D* b, const D* c) {
  switch (op) {
    case Opcode::copy: return each(n, y, a, [](D x) { return x; });
    case Opcode::neg: return each(n, y, a, [](D x) { return negate(x); });
    case Opcode::abs:
      return each(n, y, a, [](D x) {
        return kReal<D> ? static_cast<D>(std::abs(x)) : x < 0 ? negate(x) : x;
      });
    case Opcode::relu: return each(n, y, a, [](D x) { return x < 0 ? D{0} : x; });
    case Opcode::exp: return each_real(n, y, a, [](auto x) { return std::exp(x); });
    case Opcode::log: return each_real(n, y, a, [](auto x) { return std::log(x); });
    case Opcode::sqrt: return each_real(n, y, a, [](auto x) { return std::sqrt(x); });
    case Opcode::reciprocal: return each(n, y, a, [](D x) { return divide(D{1}, x); });
    case Opcode::sin: return each_real(n, y, a, [](auto x) { return std::sin(x); });
    case Opcode::cos: return each_real(n, y, a, [](auto x) { return std::cos(x); });
    case Opcode::tan: return each_real(n, y, a, [](auto x) { return std::tan(x); });
    case Opcode::asin: return each_real(n, y, a, [](auto x) { return std::asin(x); });
    case Opcode::acos: return each_real(n, y, a, [](auto x) { return std::acos(x); });
    case Opcode::atan: return each_real(n, y, a, [](auto x) { return std::atan(x); });
    case Opcode::sinh: return each_real(n, y, a, [](auto x) { return std::sinh(x); });
    case Opcode::cosh: return each_real(n, y, a, [](auto x) { return std::cosh(x); });
    case Opcode::asinh: return each_real(n, y, a, [](auto x) { return std::asinh(x); });
    case Opcode::acosh: return each_real(n, y, a, [](auto x) { return std::acosh(x); });
    case Opcode::atanh: return each_real(n, y, a, [](auto x) { return std::atanh(x); });
    case Opcode::tanh: return each_real(n, y, a, [](auto x) { return std::tanh(x); });
    case Opcode::erf: return each_real(n, y, a, [](auto x) { return std::erf(x); });
    case Opcode::sigmoid: return each_real(n, y, a, [](auto x) { return sigmoid(x); });
    case Opcode::softplus: return each_real(n, y, a, [](auto x) { return softplus(x); });
    case Opcode::floor:
      return each(n, y, a, [](D x) { return rounded([](auto r) { return std::floor(r); }, x); });
    case Opcode::ceil:
      return each(n, y, a, [](D x) { return rounded([](auto r) { return std::ceil(r); }, x); });
    case Opcode::round:
      return each(n, y, a,
                  [](D x) { return rounded([](auto r) { return std::nearbyint(r); }, x); });  // half to even
    case Opcode::is_nan: return each(n, y, a, [](D x) { return is_nan(x); });
    case Opcode::is_inf:
      return each(n, y, a, [](D x) { return kReal<D> && std::isinf(static_cast<double>(x)); });
    case Opcode::logical_not: return each(n, y, a, [](D x) { return x == 0; });
    case Opcode::bitwise_not: return each_integer(n, y, a, a, [](int64_t x, int64_t) { return ~x; });
    case Opcode::sign: return each(n, y, a, [](D x) { return sign(x); });
    case Opcode::sign_positive: return each(n, y, a, [](D x) { return x < 0 ? -1 : 1; });
    case Opcode::add: return each(n, y, a, b, [](D x, D z) { return sum(x, z); });
    case Opcode::sub: return each(n, y, a, b, [](D x, D z) { return difference(x, z); });
    case Opcode::mul: return each(n, y, a, b, [](D x, D z) { return product(x, z); });
    case Opcode::div: return each(n, y, a, b, [](D x, D z) { return divide(x, z); });
    case Opcode::pow: return each(n, y, a, b, [](D x, D z) { return power(x, z); });
    case Opcode::min: return each(n, y, a, b, [](D x, D z) { return smaller(x, z); });
    case Opcode::max: return each(n, y, a, b, [](D x, D z) { return larger(x, z); });
    case Opcode::fmod: return each(n, y, a, b, [](D x, D z) { return remainder_of(x, z); });
    case Opcode::mod: return each(n, y, a, b, [](D x, D z) { return modulo(x, z); });
    case Opcode::equal: return each(n, y, a, b, [](D x, D z) { return x == z; });
    case Opcode::less: return each(n, y, a, b, [](D x, D z) { return x < z; });
    case Opcode::less_equal: return each(n, y, a, b, [](D x, D z) { return x <= z; });
    case Opcode::logical_and: return each(n, y, a, b, [](D x, D z) { return x != 0 && z != 0; });
    case Opcode::logical_or: return each(n, y, a, b, [](D x, D z) { return x != 0 || z != 0; });
    case Opcode::logical_xor: return each(n, y, a, b, [](D x, D z) { return (x != 0) != (z != 0); });
    case Opcode::bitwise_and: return each_integer(n, y, a, b, [](int64_t x, int64_t z) { return x & z; });
    case Opcode::bitwise_or: return each_integer(n, y, a, b, [](int64_t x, int64_t z) { return x | z; });
    case Opcode::bitwise_xor: return each_integer(n, y, a, b, [](int64_t x, int64_t z) { return x ^ z; });
    case Opcode::shift_left:
      return each_integer(n, y, a, b, [](int64_t x, int64_t z) { return shifted(x, z, true); });
    case Opcode::shift_right:
      return each_integer(n, y, a, b, [](int64_t x, int64_t z) { return shifted(x, z, false); });
    case Opcode::select:
      for (int64_t i = 0; i < n; ++i) y[i] = a[i] != 0 ? b[i] : c[i];
      return;
    case Opcode::clip:
      for (int64_t i = 0; i < n; ++i) y[i] = smaller(larger(a[i], b[i]), c[i]);
      return;
  }
}

template void apply(Opcode, int64_t, float*, const float*, const float*, const float*);
template void apply(Opcode, int64_t, double*, const double*, const double*, const double*);
template void apply(Opcode, int64_t, int64_t*, const int64_t*, const int64_t*, const int64_t*);

}  // namespace onnxray::reference
