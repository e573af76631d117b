#include <limits>

#include "core/builder.h"

// A program holds a u64 as the int64 with its bits: sums, products and equality come out alike, what depends
// on the order does not.

namespace onnxray {

namespace {

/// 2^63: what has its bit set is negative as an int64.
constexpr double kTop = 9223372036854775808.0;

/// x + 2^63, which wraps: flips the top bit, and so makes 0 the smallest, or what was the smallest 0.
Expression flip_top_bit() {
  const Source x{Source::Kind::input, 0, 0}, top{Source::Kind::immediate, 0, -kTop};
  return {Expression::Domain::integer, {{Opcode::add, x, top, {}}}, {0}};
}

}  // namespace

Var Builder::signed_order(Var x) {
  if (dtype(x) != DType::u64) return x;
  return emit(Elementwise{flip_top_bit()}, {x}, shape(x), DType::i64);
}

Var Builder::from_signed_order(Var x) { return emit(Elementwise{flip_top_bit()}, {x}, shape(x), DType::u64); }

Var Builder::unsigned_binary(Opcode op, Var a, Var b) {
  switch (op) {
    case Opcode::less:
    case Opcode::less_equal: return binary(op, signed_order(a), signed_order(b));
    case Opcode::min: return select(less(a, b), a, b);
    case Opcode::max: return select(less(a, b), b, a);
    case Opcode::div: return unsigned_quotient(a, b);
    case Opcode::mod:
    case Opcode::fmod: return sub(a, mul(unsigned_quotient(a, b), b));
    default: return {};
  }
}

Var Builder::unsigned_unary(Opcode op, Var x) {
  switch (op) {
    case Opcode::abs:
    case Opcode::relu: return x;
    case Opcode::sign: return cast(cast(x, DType::boolean), DType::u64);
    default: return {};
  }
}

// Below 2^63 the divisor is a positive int64, and q = 2 ((a / 2) / b) is the quotient or one less (Warren,
// Hacker's Delight, 9-3). From there on the quotient is 0 or 1. By 0 it is 0, as int64's.
Var Builder::unsigned_quotient(Var a, Var b) {
  const auto as_signed = [&](Var x) { return cast(x, DType::i64); };
  const Var half = as_signed(binary(Opcode::shift_right, a, filled(1, {}, DType::u64)));
  const Var q = cast(mul(div(half, as_signed(b)), 2.0), DType::u64);
  const Var rest = sub(a, mul(q, b));
  const Var usual = add(q, cast(less_equal(b, rest), DType::u64));
  const Var at_most_one = cast(less_equal(b, a), DType::u64);
  const Var quotient = select(less(as_signed(b), 0.0), at_most_one, usual);
  return select(equal(b, 0.0), filled(0, {}, DType::u64), quotient);
}

// From 2^63 on: twice the half, whose lowest bit says whether anything was shifted out, so that it rounds as
// the whole would.
Var Builder::unsigned_to_real(Var x, DType to) {
  const Var bits = cast(x, DType::i64), one = filled(1, {}, DType::i64);
  const Var half = binary(Opcode::bitwise_or, binary(Opcode::shift_right, bits, one),
                          binary(Opcode::bitwise_and, bits, one));
  return select(less(bits, 0.0), mul(cast(half, to), 2.0), cast(bits, to));
}

Var Builder::real_to_unsigned(Var x) {
  const Var is_large = less_equal(kTop, x);
  const Var small = cast(x, DType::i64), large = cast(sub(x, kTop), DType::i64);
  return select(is_large, from_signed_order(large), cast(small, DType::u64));
}

}  // namespace onnxray
