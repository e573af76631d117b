#include "core/expression.h"

#include <fmt/format.h>

namespace onnxray {

int arity(Opcode op) {
  if (op >= Opcode::select) return 3;
  return op >= Opcode::add ? 2 : 1;
}

bool yields_boolean(Opcode op) {
  switch (op) {
    case Opcode::equal:
    case Opcode::less:
    case Opcode::less_equal:
    case Opcode::logical_and:
    case Opcode::logical_or:
    case Opcode::logical_xor:
    case Opcode::logical_not:
    case Opcode::is_nan:
    case Opcode::is_inf: return true;
    default: return false;
  }
}

std::string_view name_of(Opcode op) {
  switch (op) {
    case Opcode::copy: return "copy";
    case Opcode::neg: return "neg";
    case Opcode::abs: return "abs";
    case Opcode::relu: return "relu";
    case Opcode::exp: return "exp";
    case Opcode::log: return "log";
    case Opcode::sqrt: return "sqrt";
    case Opcode::reciprocal: return "reciprocal";
    case Opcode::sin: return "sin";
    case Opcode::cos: return "cos";
    case Opcode::tan: return "tan";
    case Opcode::asin: return "asin";
    case Opcode::acos: return "acos";
    case Opcode::atan: return "atan";
    case Opcode::sinh: return "sinh";
    case Opcode::cosh: return "cosh";
    case Opcode::asinh: return "asinh";
    case Opcode::acosh: return "acosh";
    case Opcode::atanh: return "atanh";
    case Opcode::tanh: return "tanh";
    case Opcode::erf: return "erf";
    case Opcode::sigmoid: return "sigmoid";
    case Opcode::softplus: return "softplus";
    case Opcode::floor: return "floor";
    case Opcode::ceil: return "ceil";
    case Opcode::round: return "round";
    case Opcode::is_nan: return "is_nan";
    case Opcode::is_inf: return "is_inf";
    case Opcode::logical_not: return "not";
    case Opcode::bitwise_not: return "bitwise_not";
    case Opcode::sign: return "sign";
    case Opcode::sign_positive: return "sign_positive";
    case Opcode::add: return "add";
    case Opcode::sub: return "sub";
    case Opcode::mul: return "mul";
    case Opcode::div: return "div";
    case Opcode::pow: return "pow";
    case Opcode::min: return "min";
    case Opcode::max: return "max";
    case Opcode::fmod: return "fmod";
    case Opcode::mod: return "mod";
    case Opcode::equal: return "equal";
    case Opcode::less: return "less";
    case Opcode::less_equal: return "less_equal";
    case Opcode::logical_and: return "and";
    case Opcode::logical_or: return "or";
    case Opcode::logical_xor: return "xor";
    case Opcode::bitwise_and: return "bitwise_and";
    case Opcode::bitwise_or: return "bitwise_or";
    case Opcode::bitwise_xor: return "bitwise_xor";
    case Opcode::shift_left: return "shift_left";
    case Opcode::shift_right: return "shift_right";
    case Opcode::select: return "select";
    case Opcode::clip: return "clip";
  }
  return "?";
}

namespace {

std::string to_string(const Source& source) {
  switch (source.kind) {
    case Source::Kind::input: return fmt::format("i{}", source.index);
    case Source::Kind::result: return fmt::format("t{}", source.index);
    case Source::Kind::immediate: return fmt::format("{:g}", source.value);
  }
  return "?";
}

}  // namespace

std::string to_string(const Expression& expression) {
  std::string text;
  for (size_t i = 0; i < expression.code.size(); ++i) {
    const Instruction& instruction = expression.code[i];
    text += fmt::format("{}t{} = {} {}", i ? "; " : "", i, name_of(instruction.op), to_string(instruction.a));
    if (arity(instruction.op) > 1) text += " " + to_string(instruction.b);
    if (arity(instruction.op) > 2) text += " " + to_string(instruction.c);
  }
  text += " ->";
  for (const int32_t result : expression.results) text += fmt::format(" t{}", result);
  return text;
}

}  // namespace onnxray
