#include <algorithm>
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

/// `slope`, which has g / root in it, and 0 where the root is 0: there the value is finite and its slope is
/// not. 0 is what PyTorch's norms take.
Var flat_at_kink(Builder& b, Var root, Var slope) { return b.select(root, slope, zero_like(b, slope)); }

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
    case Opcode::sqrt: return flat_at_kink(b, y, b.div(b.mul(g, 0.5), y));
    case Opcode::reciprocal: return b.neg(b.mul(g, square(b, y)));
    case Opcode::sin: return b.mul(g, b.unary(Opcode::cos, x));
    case Opcode::cos: return b.neg(b.mul(g, b.unary(Opcode::sin, x)));
    case Opcode::tan: return b.mul(g, b.add(square(b, y), 1.0));
    case Opcode::asin:
    case Opcode::acos: {
      const Var root = b.sqrt(b.sub(1.0, square(b, x))), slope = flat_at_kink(b, root, b.div(g, root));
      return op == Opcode::asin ? slope : b.neg(slope);
    }
    case Opcode::atan: return b.div(g, b.add(square(b, x), 1.0));
    case Opcode::sinh: return b.mul(g, b.unary(Opcode::cosh, x));
    case Opcode::cosh: return b.mul(g, b.unary(Opcode::sinh, x));
    case Opcode::acosh: {
      const Var root = b.sqrt(b.sub(square(b, x), 1.0));
      return flat_at_kink(b, root, b.div(g, root));
    }
    case Opcode::asinh: return b.div(g, b.sqrt(b.add(square(b, x), 1.0)));
    case Opcode::atanh: return b.div(g, b.sub(1.0, square(b, x)));
    case Opcode::tanh: return b.mul(g, b.sub(1.0, square(b, y)));
    case Opcode::erf: return b.mul(b.mul(g, 2.0 * std::numbers::inv_sqrtpi), b.exp(b.neg(square(b, x))));
    case Opcode::sigmoid: return b.mul(g, b.mul(y, b.sub(1.0, y)));
    case Opcode::softplus: return b.mul(g, b.unary(Opcode::sigmoid, x));
    default: return {};  // floor, sign, comparisons, ...: flat where they are differentiable
  }
}

/// d(a^n)/da = n a^(n-1), 0 for n = 0; written so that the common square costs one multiplication.
Var power_derivative(Builder& b, const Operands& o, double n) {
  if (n == 0) return {};
  if (n == 1) return o.g;
  if (n == 2) return b.mul(o.g, b.mul(o.a, 2.0));
  const Var share = b.mul(o.g, b.mul(b.pow(o.a, n - 1), n));
  return n > 0 && n < 1 ? flat_at_kink(b, o.y, share) : share;
}

Var power_derivative_in_base(Builder& b, const Operands& o) {
  if (const Tensor* exponent = b.constant(o.b); exponent && exponent->size() == 1)
    return power_derivative(b, o, exponent->as_double(0));
  const Var n = b.cast(o.b, b.dtype(o.a));
  const Var share = b.mul(o.g, b.mul(n, b.pow(o.a, b.sub(n, 1.0))));
  // At a = 0 the slope is infinite for 0 < n < 1, and 0 * infinity for n = 0.
  const Var at_kink = b.binary(Opcode::logical_and, b.equal(o.y, 0.0), b.less(n, 1.0));
  return b.select(n, b.select(at_kink, zero_like(b, share), share), zero_like(b, share));
}

/// d(a^b)/db = a^b ln a, taken as 0 where a <= 0.
Var power_derivative_in_exponent(Builder& b, const Operands& o) {
  const Var share = b.mul(o.g, b.mul(o.y, b.unary(Opcode::log, o.a)));
  return b.select(b.less_equal(o.a, 0.0), zero_like(b, share), share);
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
    case Opcode::pow: return power_derivative_in_exponent(b, o);
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

/// Whether a slope can be infinite or NaN, as it is beside results or operands that are. These hand g on.
bool slope_may_be_infinite(const VjpContext& context, Opcode op) {
  constexpr Opcode kFlat[] = {Opcode::copy, Opcode::neg, Opcode::relu, Opcode::add,   Opcode::sub,
                              Opcode::max,  Opcode::min, Opcode::clip, Opcode::select};
  if (std::ranges::find(kFlat, op) != std::end(kFlat)) return false;
  return context.is_infinite(context.y()) ||
         std::ranges::any_of(context.step.inputs, [&](Var v) { return context.is_infinite(v); });
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
  const bool is_steep = slope_may_be_infinite(context, instruction.op);
  const auto give = [&](const Source& source, auto share) {
    if (source.kind != Source::Kind::input || !context.wants(static_cast<size_t>(source.index))) return;
    const Var x = context.x(static_cast<size_t>(source.index));
    Var g = share();
    if (!g) return;
    if (is_steep) g = where_arrived(b, o.g, g);
    context.send(x, b.sum_to_shape(g, b.shape(x)));
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
