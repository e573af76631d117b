#include <cmath>
#include <limits>
#include <numbers>

#include "core/fail.h"
#include "ops/broadcast.h"
#include "ops/families.h"
#include "ops/old_opsets.h"

namespace onnxray {

namespace {

template <Opcode op>
void lower_unary(LowerContext& c) {
  c.set(0, c.b.unary(op, c.input(0)));
}

Var when_positive(Builder& b, Var x, Var then, Var otherwise) {
  return b.select(b.less(0.0, x), then, otherwise);
}

/// x > 0 ? x : alpha x
void lower_leaky_relu(LowerContext& c) {
  const Var x = c.input(0);
  c.set(0, when_positive(c.b, x, x, c.b.mul(x, c.float_attr("alpha", 0.01))));
}

void lower_prelu(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const Shape shape = b.shape(x);
  c.set(0, when_positive(b, x, x, b.mul(x, broadcast_operand(c, 1, shape))));
}

/// e^(x / scale) - 1 for the x <= 0 of a selection. Without the bound e^x is infinite at large x, and the
/// reverse walk makes NaN of infinity times the 0 that the selection sends back.
Var exp_minus_one(Builder& b, Var x, double scale = 1) {
  const Var bounded = b.min(x, 0.0);
  return b.sub(b.exp(scale == 1 ? bounded : b.div(bounded, scale)), 1.0);
}

/// x > 0 ? x : alpha (e^x - 1)
void lower_elu(LowerContext& c) {
  const Var x = c.input(0);
  c.set(0, when_positive(c.b, x, x, c.b.mul(exp_minus_one(c.b, x), c.float_attr("alpha", 1))));
}

/// gamma (x > 0 ? x : alpha (e^x - 1))
void lower_selu(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const bool rounded = c.version < 6;
  const double alpha = c.float_attr("alpha", rounded ? 1.6732 : 1.67326319217681884765625),
               gamma = c.float_attr("gamma", rounded ? 1.0507 : 1.05070102214813232421875);
  c.set(0, when_positive(b, x, b.mul(x, gamma), b.mul(exp_minus_one(b, x), alpha * gamma)));
}

/// x > 0 ? x : alpha (e^(x/alpha) - 1)
void lower_celu(LowerContext& c) {
  const Var x = c.input(0);
  const double alpha = c.float_attr("alpha", 1);
  c.set(0, when_positive(c.b, x, x, c.b.mul(exp_minus_one(c.b, x, alpha), alpha)));
}

/// max(0, min(1, alpha x + beta))
Var hard_sigmoid(Builder& b, Var x, double alpha, double beta) {
  return b.min(b.max(b.add(b.mul(x, alpha), beta), 0.0), 1.0);
}

void lower_hard_sigmoid(LowerContext& c) {
  c.set(0, hard_sigmoid(c.b, c.input(0), c.float_attr("alpha", 0.2), c.float_attr("beta", 0.5)));
}

void lower_hard_swish(LowerContext& c) {
  c.set(0, c.b.mul(c.input(0), hard_sigmoid(c.b, c.input(0), 1.0 / 6, 0.5)));
}

void lower_swish(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const double alpha = c.float_attr("alpha", 1);
  c.set(0, b.mul(x, b.unary(Opcode::sigmoid, alpha == 1 ? x : b.mul(x, alpha))));
}

/// x tanh(softplus(x))
void lower_mish(LowerContext& c) {
  Builder& b = c.b;
  c.set(0, b.mul(c.input(0), b.unary(Opcode::tanh, b.unary(Opcode::softplus, c.input(0)))));
}

void lower_gelu(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const std::string approximate = c.string_attr("approximate", "none");
  require(approximate == "none" || approximate == "tanh", ErrorCode::bad_file,
          "approximate '{}' is neither none nor tanh", approximate);
  Var gate;
  if (approximate == "tanh") {
    // tanh(sqrt(2/pi) (x + 0.044715 x^3))
    const Var inner = b.mul(x, b.add(b.mul(b.mul(x, x), 0.044715), 1.0));
    gate = b.unary(Opcode::tanh, b.mul(inner, std::sqrt(2 / std::numbers::pi)));
  } else {
    gate = b.unary(Opcode::erf, b.mul(x, 1 / std::numbers::sqrt2));
  }
  c.set(0, b.mul(b.mul(x, 0.5), b.add(gate, 1.0)));
}

void lower_softsign(LowerContext& c) {
  Builder& b = c.b;
  c.set(0, b.div(c.input(0), b.add(b.abs(c.input(0)), 1.0)));
}

void lower_thresholded_relu(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  c.set(0, b.select(b.less(c.float_attr("alpha", 1), x), x, b.scalar(0, b.dtype(x))));
}

void lower_shrink(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const double lambda = c.float_attr("lambd", 0.5), bias = c.float_attr("bias", 0);
  const Var low = b.select(b.less(x, -lambda), b.add(x, bias), b.scalar(0, b.dtype(x)));
  c.set(0, b.select(b.less(lambda, x), b.sub(x, bias), low));
}

/// The bounds are attributes up to version 6, inputs later; a bound of one element may come as a vector.
void lower_clip(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const auto bound = [&](size_t i, std::string_view attribute) -> Var {
    if (c.version < 11)
      return c.has_attr(attribute) ? b.scalar(c.float_attr(attribute, 0), b.dtype(x)) : Var();
    return c.has(i) ? b.reshape(c.input(i), {}) : Var();
  };
  const Var low = bound(1, "min"), high = bound(2, "max");
  const bool known = low && high && b.constant(low) && b.constant(high);
  if (known) return c.set(0, b.clip(x, low, high));
  const Var above = low ? b.max(x, low) : x;
  c.set(0, high ? b.min(above, high) : above);
}

/// swish(a) * b
void expand_swiglu(ExpandContext& c) {
  const double alpha = float_attribute(c.node, "alpha", 1);
  c.set(0, c.add("Mul", {c.add("Swish", {c.input(0)}, {{"alpha", alpha}}), c.input(1)}));
}

}  // namespace

std::vector<OpDef> activation_ops() {
  constexpr auto kActivation = RelevanceClass::activation;
  return {
      {"", "Relu", {1, 6, 13, 14}, lower_unary<Opcode::relu>, kActivation},
      {"", "Sigmoid", {1, 6, 13}, lower_unary<Opcode::sigmoid>, kActivation},
      {"", "Tanh", {1, 6, 13}, lower_unary<Opcode::tanh>, kActivation},
      {"", "Erf", {9, 13}, lower_unary<Opcode::erf>, kActivation},
      {"", "Softplus", {1, 22}, lower_unary<Opcode::softplus>, kActivation},
      {"", "Exp", {1, 6, 13}, lower_unary<Opcode::exp>, kActivation},
      {"", "Log", {1, 6, 13}, lower_unary<Opcode::log>, kActivation},
      {"", "Sqrt", {1, 6, 13}, lower_unary<Opcode::sqrt>, kActivation},
      {"", "Reciprocal", {1, 6, 13}, lower_unary<Opcode::reciprocal>, kActivation},
      {"", "Abs", {1, 6, 13}, lower_unary<Opcode::abs>, kActivation},
      {"", "Neg", {1, 6, 13}, lower_unary<Opcode::neg>, kActivation},
      {"", "Sin", {7, 22}, lower_unary<Opcode::sin>, kActivation},
      {"", "Cos", {7, 22}, lower_unary<Opcode::cos>, kActivation},
      {"", "Tan", {7, 22}, lower_unary<Opcode::tan>, kActivation},
      {"", "Asin", {7, 22}, lower_unary<Opcode::asin>, kActivation},
      {"", "Acos", {7, 22}, lower_unary<Opcode::acos>, kActivation},
      {"", "Atan", {7, 22}, lower_unary<Opcode::atan>, kActivation},
      {"", "Sinh", {9, 22}, lower_unary<Opcode::sinh>, kActivation},
      {"", "Cosh", {9, 22}, lower_unary<Opcode::cosh>, kActivation},
      {"", "Asinh", {9, 22}, lower_unary<Opcode::asinh>, kActivation},
      {"", "Acosh", {9, 22}, lower_unary<Opcode::acosh>, kActivation},
      {"", "Atanh", {9, 22}, lower_unary<Opcode::atanh>, kActivation},
      {"", "Sign", {9, 13}, lower_unary<Opcode::sign>, RelevanceClass::none},
      {"", "Floor", {1, 6, 13}, lower_unary<Opcode::floor>, RelevanceClass::none},
      {"", "Ceil", {1, 6, 13}, lower_unary<Opcode::ceil>, RelevanceClass::none},
      {"", "Round", {11, 22}, lower_unary<Opcode::round>, RelevanceClass::none},
      {"", "LeakyRelu", {1, 6, 16}, lower_leaky_relu, kActivation},
      with_old_form({"", "PRelu", {1, 6, 7, 9, 16}, lower_prelu, kActivation}, 7, expand_channel_slope),
      {"", "Elu", {1, 6, 22}, lower_elu, kActivation},
      {"", "Selu", {1, 6, 22}, lower_selu, kActivation},
      {"", "Celu", {12, 28}, lower_celu, kActivation},
      {"", "HardSigmoid", {1, 6, 22}, lower_hard_sigmoid, kActivation},
      {"", "HardSwish", {14, 22}, lower_hard_swish, kActivation},
      {"", "Swish", {24}, lower_swish, kActivation},
      {"", "Mish", {18, 22}, lower_mish, kActivation},
      {"", "Gelu", {20}, lower_gelu, kActivation},
      {"", "Softsign", {1, 22}, lower_softsign, kActivation},
      {"", "ThresholdedRelu", {10, 22}, lower_thresholded_relu, kActivation},
      {"", "Shrink", {9}, lower_shrink, kActivation},
      {"", "Clip", {1, 6, 11, 12, 13}, lower_clip, kActivation},
      assembly("", "SwiGLU", {28}, expand_swiglu),
  };
}

}  // namespace onnxray
