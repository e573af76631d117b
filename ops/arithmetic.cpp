#include "core/fail.h"
#include "ops/broadcast.h"
#include "ops/families.h"

namespace onnxray {

namespace {

template <Opcode op>
void lower_binary(LowerContext& c) {
  c.set(0, c.b.binary(op, c.input(0), second_operand(c)));
}

/// The result has the base's type; the exponent may have another.
void lower_pow(LowerContext& c) {
  Builder& b = c.b;
  const Var base = c.input(0);
  Var exponent = second_operand(c);
  const bool constant_integer =
      b.constant(exponent) && b.constant(exponent)->size() == 1 && is_floating(b.dtype(base));
  if (constant_integer) exponent = b.scalar(b.constant(exponent)->as_double(0), b.dtype(base));
  c.set(0, b.cast(b.pow(base, exponent), b.dtype(base)));
}

void lower_mod(LowerContext& c) {
  c.set(0, c.b.binary(c.int_attr("fmod", 0) != 0 ? Opcode::fmod : Opcode::mod, c.input(0), c.input(1)));
}

template <Opcode op>
Var fold(LowerContext& c) {
  Var result = c.input(0);
  for (size_t i = 1; i < c.input_count(); ++i) result = c.b.binary(op, result, c.input(i));
  return result;
}

template <Opcode op>
void lower_variadic(LowerContext& c) {
  c.set(0, fold<op>(c));
}

void lower_mean(LowerContext& c) {
  require(is_floating(c.b.dtype(c.input(0))), ErrorCode::bad_file, "the mean of integers is not defined");
  c.set(0, c.b.mul(fold<Opcode::add>(c), 1.0 / static_cast<double>(c.input_count())));
}

void lower_bit_shift(LowerContext& c) {
  const std::string direction = c.string_attr("direction", "");
  require(direction == "LEFT" || direction == "RIGHT", ErrorCode::bad_file,
          "direction '{}' is neither LEFT nor RIGHT", direction);
  c.set(0,
        c.b.binary(direction == "LEFT" ? Opcode::shift_left : Opcode::shift_right, c.input(0), c.input(1)));
}

}  // namespace

std::vector<OpDef> arithmetic_ops() {
  using enum RelevanceClass;
  return {
      {"", "Add", {1, 6, 7, 13, 14}, lower_binary<Opcode::add>, sum},
      {"", "Sub", {1, 6, 7, 13, 14}, lower_binary<Opcode::sub>, sum},
      {"", "Mul", {1, 6, 7, 13, 14}, lower_binary<Opcode::mul>, bilinear},
      {"", "Div", {1, 6, 7, 13, 14}, lower_binary<Opcode::div>, bilinear},
      {"", "Pow", {1, 7, 12, 13, 15}, lower_pow, activation},
      {"", "Mod", {10, 13}, lower_mod, none},
      {"", "Max", {1, 6, 8, 12, 13}, lower_variadic<Opcode::max>, routing},
      {"", "Min", {1, 6, 8, 12, 13}, lower_variadic<Opcode::min>, routing},
      {"", "Sum", {1, 6, 8, 13}, lower_variadic<Opcode::add>, sum},
      {"", "Mean", {1, 6, 8, 13}, lower_mean, sum},
      {"", "BitShift", {11}, lower_bit_shift, none},
  };
}

}  // namespace onnxray
