#include "core/fail.h"
#include "ops/families.h"
#include "ops/old_opsets.h"

namespace onnxray {

namespace {

template <Opcode op>
void lower_binary(LowerContext& c) {
  c.set(0, c.b.binary(op, c.input(0), c.input(1)));
}

/// The result has the base's type; the exponent may have another.
void lower_pow(LowerContext& c) {
  Builder& b = c.b;
  const Var base = c.input(0);
  Var exponent = c.input(1);
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

/// Opcodes shift 64 bits and fill with 0. A signed integer shifted to the right is filled with its sign:
/// x >> n = ~(~x >> n) for x < 0, which is -1 where nothing else is left.
Var shifted_right(Builder& b, Var x, Var by) {
  const bool has_sign = wrap_to(b.dtype(x), -1) < 0 && b.dtype(x) != DType::u64;
  const Var plain = b.binary(Opcode::shift_right, x, by);
  if (!has_sign) return plain;
  const Var turned = b.binary(Opcode::shift_right, b.unary(Opcode::bitwise_not, x), by);
  return b.select(b.less(x, 0.0), b.unary(Opcode::bitwise_not, turned), plain);
}

void lower_bit_shift(LowerContext& c) {
  const std::string direction = c.string_attr("direction", "");
  require(direction == "LEFT" || direction == "RIGHT", ErrorCode::bad_file,
          "direction '{}' is neither LEFT nor RIGHT", direction);
  const Var x = c.input(0), by = c.input(1);
  c.set(0, direction == "LEFT" ? c.b.binary(Opcode::shift_left, x, by) : shifted_right(c.b, x, by));
}

}  // namespace

std::vector<OpDef> arithmetic_ops() {
  using enum RelevanceClass;
  const auto binary = [](OpDef op) { return with_old_form(std::move(op), 7, expand_axis_broadcast); };
  return {
      binary({"", "Add", {1, 6, 7, 13, 14}, lower_binary<Opcode::add>, sum}),
      binary({"", "Sub", {1, 6, 7, 13, 14}, lower_binary<Opcode::sub>, sum}),
      binary({"", "Mul", {1, 6, 7, 13, 14}, lower_binary<Opcode::mul>, bilinear}),
      binary({"", "Div", {1, 6, 7, 13, 14}, lower_binary<Opcode::div>, bilinear}),
      binary({"", "Pow", {1, 7, 12, 13, 15}, lower_pow, activation}),
      {"", "Mod", {10, 13, 28}, lower_mod, none},
      {"", "Max", {1, 6, 8, 12, 13}, lower_variadic<Opcode::max>, routing},
      {"", "Min", {1, 6, 8, 12, 13}, lower_variadic<Opcode::min>, routing},
      {"", "Sum", {1, 6, 8, 13}, lower_variadic<Opcode::add>, sum},
      {"", "Mean", {1, 6, 8, 13}, lower_mean, sum},
      {"", "BitShift", {11, 28}, lower_bit_shift, none},
  };
}

}  // namespace onnxray
