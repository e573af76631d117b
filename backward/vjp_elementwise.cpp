#include <cmath>
#include <numbers>

#include "backward/vjp.h"
#include "core/fail.h"

namespace onnxray {

namespace {

/// The operands of the one instruction, as variables: y = op(a[, b[, c]]).
struct Operands {
  Var a, b, c, y, g;
};

Var zero_like(Builder& b, Var v) { return b.scalar(0, b.dtype(v)); }

/// g where the mask holds, else 0.
Var where(Builder& b, Var mask, Var g) { return b.select(mask, g, zero_like(b, g)); }

Var square(Builder& b, Var x) { return b.mul(x, x); }

/// g * dy/da of y = op(a). An unset Var means zero everywhere.
Var unary_derivative(Builder& b, Opcode op, const Operands& o) {
  const auto [x, unused_b, unused_c, y, g] = o;
  switch (op) {
    case Opcode::copy: return b.cast(g, b.dtype(x));
    case Opcode::neg: return b.neg(g);
    case Opcode::abs: return b.mul(g, b.unary(Opcode::sign, x));
    case Opcode::relu: return where(b, b.less(0.0, y), g);  // y > 0 iff x > 0, and y is kept anyway
    case Opcode::exp: return b.mul(g, y);
    case Opcode::log: return b.div(g, x);
    case Opcode::sqrt: return b.div(b.mul(g, 0.5), y);
    case Opcode::reciprocal: return b.neg(b.mul(g, square(b, y)));
    case Opcode::sin: return b.mul(g, b.unary(Opcode::cos, x));
    case Opcode::cos: return b.neg(b.mul(g, b.unary(Opcode::sin, x)));
    case Opcode::tan: return b.mul(g, b.add(square(b, y), 1.0));
    case Opcode::asin: return b.div(g, b.sqrt(b.sub(1.0, square(b, x))));
    case Opcode::acos: return b.neg(b.div(g, b.sqrt(b.sub(1.0, square(b, x)))));
    case Opcode::atan: return b.div(g, b.add(square(b, x), 1.0));
    case Opcode::sinh: return b.mul(g, b.unary(Opcode::cosh, x));
    case Opcode::cosh: return b.mul(g, b.unary(Opcode::sinh, x));
    case Opcode::asinh: return b.div(g, b.sqrt(b.add(square(b, x), 1.0)));
    case Opcode::acosh: return b.div(g, b.sqrt(b.sub(square(b, x), 1.0)));
    case Opcode::atanh: return b.div(g, b.sub(1.0, square(b, x)));
    case Opcode::tanh: return b.mul(g, b.sub(1.0, square(b, y)));
    case Opcode::erf: return b.mul(b.mul(g, 2.0 * std::numbers::inv_sqrtpi), b.exp(b.neg(square(b, x))));
    case Opcode::sigmoid: return b.mul(g, b.mul(y, b.sub(1.0, y)));
    case Opcode::softplus: return b.mul(g, b.unary(Opcode::sigmoid, x));
    default: return {};  // floor, sign, comparisons, ...: flat where they are differentiable
  }
}

Var power_derivative_in_base(Builder& b, const Operands& o) {
  // d(a^b)/da = b a^(b-1); written so that the common square costs one multiplication.
  if (const Tensor* exponent = b.constant(o.b); exponent && exponent->size() == 1) {
    const double n = exponent->as_double(0);
    if (n == 1) return o.g;
    if (n == 2) return b.mul(o.g, b.mul(o.a, 2.0));
    return b.mul(o.g, b.mul(b.pow(o.a, n - 1), n));
  }
  const Var exponent = b.cast(o.b, b.dtype(o.a));
  return b.mul(o.g, b.mul(exponent, b.pow(o.a, b.sub(exponent, 1.0))));
}

Var derivative_in_a(Builder& b, Opcode op, const Operands& o) {
  switch (op) {
    case Opcode::add:
    case Opcode::sub:
    case Opcode::mod:
    case Opcode::fmod: return o.g;
    case Opcode::mul: return b.mul(o.g, o.b);
    case Opcode::div: return b.div(o.g, o.b);
    case Opcode::pow: return power_derivative_in_base(b, o);
    case Opcode::max: return where(b, b.less_equal(o.b, o.a), o.g);  // ties go to the first
    case Opcode::min: return where(b, b.less_equal(o.a, o.b), o.g);
    default: return {};
  }
}

Var derivative_in_b(Builder& b, Opcode op, const Operands& o) {
  switch (op) {
    case Opcode::add: return o.g;
    case Opcode::sub: return b.neg(o.g);
    case Opcode::mul: return b.mul(o.g, o.a);
    case Opcode::div: return b.neg(b.div(b.mul(o.g, o.y), o.b));
    case Opcode::pow: {
      // d(a^b)/db = a^b ln a, taken as 0 where a <= 0
      const Var log_a = where(b, b.less(0.0, o.a), b.unary(Opcode::log, o.a));
      return b.mul(o.g, b.mul(o.y, log_a));
    }
    case Opcode::max: return where(b, b.less(o.a, o.b), o.g);
    case Opcode::min: return where(b, b.less(o.b, o.a), o.g);
    case Opcode::mod: return b.neg(b.mul(o.g, b.unary(Opcode::floor, b.div(o.a, o.b))));
    case Opcode::fmod: {
      // a - b trunc(a/b), and trunc(q) = sign(q) floor(|q|)
      const Var q = b.div(o.a, o.b);
      return b.neg(b.mul(o.g, b.mul(b.unary(Opcode::sign, q), b.unary(Opcode::floor, b.abs(q)))));
    }
    default: return {};
  }
}

}  // namespace

void vjp_elementwise(const VjpContext& context, const Elementwise& primitive) {
  if (primitive.expression.code.size() != 1) throw std::logic_error("vjp of a fused elementwise step");
  Builder& b = context.b;
  const Instruction& instruction = primitive.expression.code[0];
  const Var y = context.y();
  const auto operand = [&](const Source& s) {
    return s.kind == Source::Kind::input ? context.x(static_cast<size_t>(s.index))
                                         : b.scalar(s.value, b.dtype(y));
  };
  const Operands o{operand(instruction.a), operand(instruction.b), operand(instruction.c), y,
                   context.cotangents[0]};
  const auto give = [&](const Source& source, auto share) {
    if (source.kind != Source::Kind::input || !context.wants(static_cast<size_t>(source.index))) return;
    const Var x = context.x(static_cast<size_t>(source.index));
    if (const Var g = share()) context.send(x, b.sum_to_shape(g, b.shape(x)));
  };
  switch (arity(instruction.op)) {
    case 1: give(instruction.a, [&] { return unary_derivative(b, instruction.op, o); }); break;
    case 2:
      give(instruction.a, [&] { return derivative_in_a(b, instruction.op, o); });
      give(instruction.b, [&] { return derivative_in_b(b, instruction.op, o); });
      break;
    default:
      if (instruction.op == Opcode::clip) {
        // Low < y < high iff low < x < high, and y is kept anyway. The bounds are numbers: nothing flows to
        // them.
        give(instruction.a, [&] { return where(b, b.less(o.b, y), where(b, b.less(y, o.c), o.g)); });
        return;
      }
      give(instruction.b, [&] { return b.select(o.a, o.g, zero_like(b, o.g)); });
      give(instruction.c, [&] { return b.select(o.a, zero_like(b, o.g), o.g); });
  }
}

}  // namespace onnxray
