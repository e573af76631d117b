#include <algorithm>

#include "onnx/export/translate.h"

namespace onnxray::exporting {

namespace {

/// Writes an expression one node per instruction. Values are converted where an instruction needs another
/// kind: comparisons yield booleans, which count as 0 and 1.
class ExpressionWriter {
 public:
  ExpressionWriter(const Expression& expression, const Translation& t)
      : w_(t.w),
        in_(t.in),
        domain_(expression.domain == Expression::Domain::real ? Kind::real : Kind::integer) {
    for (const Instruction& instruction : expression.code) results_.push_back(write(instruction));
  }

  const Value& result(int32_t i) const { return results_[static_cast<size_t>(i)]; }

 private:
  Value operand(const Source& s) {
    switch (s.kind) {
      case Source::Kind::input: return in_[static_cast<size_t>(s.index)];
      case Source::Kind::result: return results_[static_cast<size_t>(s.index)];
      case Source::Kind::immediate: break;
    }
    return w_.scalar(domain_ == Kind::real ? s.value : static_cast<double>(static_cast<int64_t>(s.value)),
                     domain_);
  }

  Value in_domain(const Source& s) { return w_.cast(operand(s), domain_); }
  Value as_boolean(const Source& s) { return w_.cast(operand(s), Kind::boolean); }

  /// A node whose operands broadcast.
  Value node(const char* op, const Values& inputs, Kind kind, const Attributes& attributes = {}) {
    Shape shape;
    for (const Value& input : inputs) shape = *broadcast_shapes(shape, input.shape);
    return w_.node(op, inputs, kind, shape, attributes);
  }

  Value unary(const char* op, const Instruction& i) { return node(op, {in_domain(i.a)}, domain_); }
  /// A function of reals; integers go through them and truncate.
  Value real(const char* op, const Instruction& i) {
    return w_.cast(node(op, {w_.cast(operand(i.a), Kind::real)}, Kind::real), domain_);
  }
  /// Rounding, which leaves integers as they are.
  Value rounding(const char* op, const Instruction& i) {
    return domain_ == Kind::real ? unary(op, i) : in_domain(i.a);
  }
  Value test(const char* op, const Instruction& i) {
    return node(op, {w_.cast(operand(i.a), Kind::real)}, Kind::boolean);
  }
  Value binary(const char* op, const Instruction& i, Kind kind) {
    return node(op, {in_domain(i.a), in_domain(i.b)}, kind);
  }
  Value logic(const char* op, const Instruction& i) {
    return node(op, {as_boolean(i.a), as_boolean(i.b)}, Kind::boolean);
  }
  Value bits(const char* op, const Instruction& i) {
    const Value a = w_.cast(operand(i.a), Kind::integer), b = w_.cast(operand(i.b), Kind::integer);
    return w_.cast(node(op, {a, b}, Kind::integer), domain_);
  }
  Value shift(const char* direction, const Instruction& i);
  Value modulo(const Instruction& i);
  Value sign_positive(const Instruction& i);
  Value write(const Instruction& i);

  Writer& w_;
  const Values& in_;
  Kind domain_;
  Values results_;
};

/// ONNX shifts unsigned integers only.
Value ExpressionWriter::shift(const char* direction, const Instruction& i) {
  constexpr int64_t kUnsigned = 13, kSigned = 7;  // TensorProto.DataType
  const auto converted = [&](const Value& v, int64_t type) {
    return w_.node("Cast", {v}, Kind::integer, v.shape, {{"to", type}});
  };
  const Value a = converted(in_domain(i.a), kUnsigned), b = converted(in_domain(i.b), kUnsigned);
  const Value y = node("BitShift", {a, b}, Kind::integer, {{"direction", std::string(direction)}});
  return w_.cast(converted(y, kSigned), domain_);
}

/// The result has the divisor's sign. ONNX has that for integers; for reals r = fmod(a, b), moved by b where
/// the signs differ.
Value ExpressionWriter::modulo(const Instruction& i) {
  if (domain_ == Kind::integer) return binary("Mod", i, Kind::integer);
  const Value b = in_domain(i.b), zero = w_.scalar(0, Kind::real);
  const Value r = node("Mod", {in_domain(i.a), b}, Kind::real, {{"fmod", int64_t{1}}});
  const Value differs = node(
      "Xor", {node("Less", {r, zero}, Kind::boolean), node("Less", {b, zero}, Kind::boolean)}, Kind::boolean);
  const Value nonzero = w_.cast(r, Kind::boolean);
  return node("Where", {node("And", {nonzero, differs}, Kind::boolean), node("Add", {r, b}, Kind::real), r},
              Kind::real);
}

Value ExpressionWriter::sign_positive(const Instruction& i) {
  const Value below = node("Less", {in_domain(i.a), w_.scalar(0, domain_)}, Kind::boolean);
  return node("Where", {below, w_.scalar(-1, domain_), w_.scalar(1, domain_)}, domain_);
}

Value ExpressionWriter::write(const Instruction& i) {
  switch (i.op) {
    case Opcode::copy: return operand(i.a);
    case Opcode::neg: return unary("Neg", i);
    case Opcode::abs: return unary("Abs", i);
    case Opcode::relu:
      return domain_ == Kind::real ? unary("Relu", i)
                                   : node("Max", {in_domain(i.a), w_.scalar(0, domain_)}, domain_);
    case Opcode::exp: return real("Exp", i);
    case Opcode::log: return real("Log", i);
    case Opcode::sqrt: return real("Sqrt", i);
    case Opcode::reciprocal: return real("Reciprocal", i);
    case Opcode::sin: return real("Sin", i);
    case Opcode::cos: return real("Cos", i);
    case Opcode::tan: return real("Tan", i);
    case Opcode::asin: return real("Asin", i);
    case Opcode::acos: return real("Acos", i);
    case Opcode::atan: return real("Atan", i);
    case Opcode::sinh: return real("Sinh", i);
    case Opcode::cosh: return real("Cosh", i);
    case Opcode::asinh: return real("Asinh", i);
    case Opcode::acosh: return real("Acosh", i);
    case Opcode::atanh: return real("Atanh", i);
    case Opcode::tanh: return real("Tanh", i);
    case Opcode::erf: return real("Erf", i);
    case Opcode::sigmoid: return real("Sigmoid", i);
    case Opcode::softplus: return real("Softplus", i);
    case Opcode::floor: return rounding("Floor", i);
    case Opcode::ceil: return rounding("Ceil", i);
    case Opcode::round: return rounding("Round", i);
    case Opcode::is_nan: return test("IsNaN", i);
    case Opcode::is_inf: return test("IsInf", i);
    case Opcode::logical_not: return node("Not", {as_boolean(i.a)}, Kind::boolean);
    case Opcode::bitwise_not: return bits("BitwiseXor", {i.op, i.a, {Source::Kind::immediate, 0, -1}, {}});
    case Opcode::sign: return unary("Sign", i);
    case Opcode::sign_positive: return sign_positive(i);
    case Opcode::add: return binary("Add", i, domain_);
    case Opcode::sub: return binary("Sub", i, domain_);
    case Opcode::mul: return binary("Mul", i, domain_);
    case Opcode::div: return binary("Div", i, domain_);
    case Opcode::pow: return binary("Pow", i, domain_);
    case Opcode::min: return binary("Min", i, domain_);
    case Opcode::max: return binary("Max", i, domain_);
    case Opcode::fmod: return node("Mod", {in_domain(i.a), in_domain(i.b)}, domain_, {{"fmod", int64_t{1}}});
    case Opcode::mod: return modulo(i);
    case Opcode::equal: return binary("Equal", i, Kind::boolean);
    case Opcode::less: return binary("Less", i, Kind::boolean);
    case Opcode::less_equal: return binary("LessOrEqual", i, Kind::boolean);
    case Opcode::logical_and: return logic("And", i);
    case Opcode::logical_or: return logic("Or", i);
    case Opcode::logical_xor: return logic("Xor", i);
    case Opcode::bitwise_and: return bits("BitwiseAnd", i);
    case Opcode::bitwise_or: return bits("BitwiseOr", i);
    case Opcode::bitwise_xor: return bits("BitwiseXor", i);
    case Opcode::shift_left: return shift("LEFT", i);
    case Opcode::shift_right: return shift("RIGHT", i);
    case Opcode::select: return node("Where", {as_boolean(i.a), in_domain(i.b), in_domain(i.c)}, domain_);
    case Opcode::clip: {
      // Clip's bounds are scalars; tensors of bounds broadcast here.
      const Value above = node("Max", {in_domain(i.a), in_domain(i.b)}, domain_);
      return node("Min", {above, in_domain(i.c)}, domain_);
    }
  }
  return {};
}

/// A store into a narrow integer type wraps.
Value stored(Writer& w, const Value& value, DType dtype) {
  const Value v = w.cast(value, kind_of(dtype));
  if (!is_integer(dtype) || dtype == DType::i64) return v;
  const Value narrow = w.node("Cast", {v}, Kind::integer, v.shape, {{"to", int64_t{onnx_type_of(dtype)}}});
  return w.node("Cast", {narrow}, Kind::integer, v.shape, {{"to", int64_t{w.onnx_type(Kind::integer)}}});
}

}  // namespace

Values write_elementwise(const Elementwise& p, const Translation& t) {
  const ExpressionWriter written(p.expression, t);
  Values results;
  for (size_t i = 0; i < t.shapes.size(); ++i)
    results.push_back(
        t.w.expand(stored(t.w, written.result(p.expression.results[i]), t.dtypes[i]), t.shapes[i]));
  return results;
}

}  // namespace onnxray::exporting
