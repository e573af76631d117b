#include "core/fail.h"
#include "ops/families.h"
#include "ops/old_opsets.h"

namespace onnxray {

namespace {

template <Opcode op>
void lower_binary(LowerContext& c) {
  c.set(0, c.b.binary(op, c.input(0), c.input(1)));
}

template <Opcode op>
void lower_swapped(LowerContext& c) {
  c.set(0, c.b.binary(op, c.input(1), c.input(0)));
}

template <Opcode op>
void lower_unary(LowerContext& c) {
  c.set(0, c.b.unary(op, c.input(0)));
}

void lower_where(LowerContext& c) { c.set(0, c.b.select(c.input(0), c.input(1), c.input(2))); }

void lower_is_inf(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const bool positive = c.int_attr("detect_positive", 1) != 0,
             negative = c.int_attr("detect_negative", 1) != 0;
  const Var infinite = b.unary(Opcode::is_inf, x);
  if (positive && negative) return c.set(0, infinite);
  if (!positive && !negative) return c.set(0, b.filled(0, b.shape(x), DType::boolean));
  c.set(0, b.binary(Opcode::logical_and, infinite, positive ? b.less(0.0, x) : b.less(x, 0.0)));
}

}  // namespace

std::vector<OpDef> logic_ops() {
  constexpr auto kNone = RelevanceClass::none;
  const auto binary = [](OpDef op) { return with_old_form(std::move(op), 7, expand_axis_broadcast); };
  return {
      binary({"", "And", {1, 7}, lower_binary<Opcode::logical_and>, kNone}),
      binary({"", "Or", {1, 7}, lower_binary<Opcode::logical_or>, kNone}),
      binary({"", "Xor", {1, 7}, lower_binary<Opcode::logical_xor>, kNone}),
      {"", "Not", {1}, lower_unary<Opcode::logical_not>, kNone},
      {"", "BitwiseAnd", {18}, lower_binary<Opcode::bitwise_and>, kNone},
      {"", "BitwiseOr", {18}, lower_binary<Opcode::bitwise_or>, kNone},
      {"", "BitwiseXor", {18}, lower_binary<Opcode::bitwise_xor>, kNone},
      {"", "BitwiseNot", {18}, lower_unary<Opcode::bitwise_not>, kNone},
      binary({"", "Equal", {1, 7, 11, 13, 19}, lower_binary<Opcode::equal>, kNone}),
      binary({"", "Less", {1, 7, 9, 13}, lower_binary<Opcode::less>, kNone}),
      {"", "LessOrEqual", {12, 16}, lower_binary<Opcode::less_equal>, kNone},
      binary({"", "Greater", {1, 7, 9, 13}, lower_swapped<Opcode::less>, kNone}),
      {"", "GreaterOrEqual", {12, 16}, lower_swapped<Opcode::less_equal>, kNone},
      {"", "Where", {9, 16}, lower_where, RelevanceClass::routing},
      {"", "IsNaN", {9, 13, 20}, lower_unary<Opcode::is_nan>, kNone},
      {"", "IsInf", {10, 20}, lower_is_inf, kNone},
  };
}

}  // namespace onnxray
