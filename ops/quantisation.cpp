#include <limits>

#include "core/fail.h"
#include "ops/axes.h"
#include "ops/expand.h"
#include "ops/families.h"
#include "ops/quantisation_grid.h"
#include "ops/window.h"

namespace onnxray {

namespace {

struct Range {
  double low, high;
};

Range range_of(DType t) {
  switch (t) {
    case DType::i8: return {-128, 127};
    case DType::u8: return {0, 255};
    case DType::i16: return {-32768, 32767};
    case DType::u16: return {0, 65535};
    default: return {-2147483648.0, 2147483647.0};
  }
}

Var saturated(Builder& b, Var x, Range range) { return b.min(b.max(x, range.low), range.high); }

// y = saturate(round(x / scale) + zero_point)
void lower_quantize(LowerContext& c) {
  Builder& b = c.b;
  DType type = c.has(2) ? b.dtype(c.input(2)) : DType::u8;
  if (c.has_attr("output_dtype") && c.int_attr("output_dtype", 0) != 0)
    type = dtype_from_number(c.int_attr("output_dtype", 0));
  require(is_integer(type), ErrorCode::unsupported, "it quantises to {}: only integers are supported",
          name_of(type));
  const Var x = b.cast(c.input(0), b.dtype(c.input(1)));
  c.set(0, b.cast(saturated(b, steps_of(c, x, c.input(1), c.optional(2)), range_of(type)), type));
}

// y = (x - zero_point) * scale
void lower_dequantize(LowerContext& c) {
  Builder& b = c.b;
  const Var scale = c.input(1);
  const Shape shape = c.shape(0);
  Var x = b.cast(c.input(0), b.dtype(scale));
  if (c.has(2)) x = b.sub(x, b.cast(spread(c, c.input(2), shape), b.dtype(scale)));
  c.set(0, b.mul(x, spread(c, scale, shape)));
}

void lower_dynamic_quantize(LowerContext& c) {
  Builder& b = c.b;
  const Var x = c.input(0);
  const DynamicGrid grid = dynamic_grid(b, x);
  const Var steps = b.add(b.unary(Opcode::round, b.div(x, grid.scale)), grid.zero);
  c.set(0, b.cast(saturated(b, steps, {0, 255}), DType::u8));
  c.set(1, grid.scale);
  c.set(2, b.cast(grid.zero, DType::u8));
}

/// Input i without its zero point, which is one number or one for each place of `axis`.
Var centred(LowerContext& c, size_t i, size_t zero_point, int64_t axis, DType as) {
  Builder& b = c.b;
  const Var x = b.cast(c.input(i), as);
  if (!c.has(zero_point)) return x;
  const Shape own = c.shape(zero_point);
  Shape target(own.size() > 1 ? own : Shape(b.rank(x), 1));
  if (own.size() == 1) target[static_cast<size_t>(normalise_axis(axis, b.rank(x)))] = own[0];
  return b.sub(x, b.cast(b.reshape(c.input(zero_point), target), as));
}

void lower_matmul_integer(LowerContext& c) {
  const Var a = centred(c, 0, 2, -2, DType::i32), w = centred(c, 1, 3, -1, DType::i32);
  c.set(0, c.b.matmul(a, w));
}

std::vector<ValueId> quantised(const ExpandContext& c, size_t first) {
  return {c.input(first), c.input(first + 1), c.optional(first + 2)};
}

/// Sums of products of integers: what floats hold exactly, up to 2^24 in float.
void lower_conv_integer(LowerContext& c) {
  Builder& b = c.b;
  const Var x = centred(c, 0, 2, 1, DType::f32), w = centred(c, 1, 3, 0, DType::f32);
  const Shape weight = b.shape(w);
  require(weight.size() >= 3, ErrorCode::bad_file, "a convolution weight of shape {}", to_string(weight));
  const Window window = read_window(c, c.shape(0), {weight.begin() + 2, weight.end()});
  c.set(0, b.cast(b.convolution(x, w, {}, window, c.int_attr("group", 1)), DType::i32));
}

/// (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero[, bias])
void expand_qlinear_conv(ExpandContext& c) {
  const ValueId x = c.add("DequantizeLinear", quantised(c, 0));
  const ValueId w = c.add("DequantizeLinear", quantised(c, 3), {{"axis", int64_t{0}}});
  ValueId bias = kNoValue;
  if (c.has(8)) {
    // The bias counts in steps of x_scale * w_scale.
    const ValueId scale = c.add("Mul", {c.input(1), c.input(4)});
    bias = c.add("DequantizeLinear", {c.input(8), scale}, {{"axis", int64_t{0}}});
  }
  const ValueId y = c.add("Conv", {x, w, bias}, c.node.attributes);
  c.set(0, c.add("QuantizeLinear", {y, c.input(6), c.optional(7)}));
}

/// (a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)
void expand_qlinear_matmul(ExpandContext& c) {
  const auto axis = [&](size_t i, int64_t from_end) {
    return Attributes{{"axis", static_cast<int64_t>(c.shape(i).size()) - from_end}};
  };
  const ValueId a = c.add("DequantizeLinear", quantised(c, 0), axis(0, 2));
  const ValueId b = c.add("DequantizeLinear", quantised(c, 3), axis(3, 1));
  const ValueId y = c.add("MatMul", {a, b});
  c.set(0, c.add("QuantizeLinear", {y, c.input(6), c.optional(7)}, axis(0, 2)));
}

}  // namespace

std::vector<OpDef> quantisation_ops() {
  using enum RelevanceClass;
  return {
      {"", "QuantizeLinear", {10, 13, 19, 21, 23, 24, 25, 28}, lower_quantize, none},
      {"", "DequantizeLinear", {10, 13, 19, 21, 23, 24, 25, 28}, lower_dequantize, none},
      {"", "DynamicQuantizeLinear", {11}, lower_dynamic_quantize, none},
      {"", "MatMulInteger", {10}, lower_matmul_integer, none},
      {"", "ConvInteger", {10}, lower_conv_integer, none},
      assembly("", "QLinearConv", {10}, expand_qlinear_conv),
      assembly("", "QLinearMatMul", {10, 21}, expand_qlinear_matmul),
  };
}

}  // namespace onnxray
