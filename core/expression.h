#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onnxray {

/// The elementwise vocabulary. Comparisons and logic yield 0 or 1.
enum class Opcode : uint8_t {
  // unary
  copy,
  neg,
  abs,
  relu,
  exp,
  log,
  sqrt,
  reciprocal,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  tanh,
  erf,
  sigmoid,
  softplus,
  floor,
  ceil,
  round,
  is_nan,
  is_inf,
  logical_not,
  bitwise_not,
  sign,           ///< -1, 0, +1; NaN stays NaN
  sign_positive,  ///< -1 where x < 0, else +1: also at 0, -0 and NaN (the sign of the SIGN rule)
  // binary
  add,
  sub,
  mul,
  div,
  pow,
  min,
  max,
  fmod,
  mod,  ///< result has the sign of the divisor, as Python's %
  equal,
  less,
  less_equal,
  logical_and,
  logical_or,
  logical_xor,
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  shift_left,
  shift_right,
  // ternary
  select,  ///< a != 0 ? b : c
  clip,    ///< min(max(a, b), c): a between the bounds b and c
};

int arity(Opcode op);
/// Comparisons, logic and tests: the result is 0 or 1.
bool yields_boolean(Opcode op);
std::string_view name_of(Opcode op);

/// Where an instruction reads: a tensor input, the result of an earlier instruction, or a number.
struct Source {
  enum class Kind : uint8_t { input, result, immediate } kind = Kind::immediate;
  int32_t index = 0;
  double value = 0;
  bool operator==(const Source&) const = default;
};

struct Instruction {
  Opcode op = Opcode::copy;
  Source a, b, c;
  bool operator==(const Instruction&) const = default;
};

/// A small straight-line program applied at every element. Instruction i defines result i.
/// Arithmetic happens in one domain: real, or int64 (which also holds booleans as 0 and 1); inputs of the
/// other storage classes are converted on load. A store into a boolean is `!= 0`, a store of a real into an
/// integer truncates, and a store into a narrow integer wraps (dtype.h).
struct Expression {
  enum class Domain : uint8_t { real, integer } domain = Domain::real;
  std::vector<Instruction> code;
  std::vector<int32_t> results;  ///< for each output of the step, the instruction that defines it
  bool operator==(const Expression&) const = default;
};

/// "t0 = mul i0 i1; t1 = add t0 0.5 -> t1"
std::string to_string(const Expression& expression);

}  // namespace onnxray
