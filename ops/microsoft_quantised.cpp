#include "core/fail.h"
#include "ops/expand.h"
#include "ops/families.h"

namespace onnxray {

namespace {

// The quantised nodes that ONNX Runtime's tools write, as nodes between DequantizeLinear and QuantizeLinear.
// Most have (x, scale, zero) triples as operands, then y_scale and y_zero.

constexpr const char* kDomain = "com.microsoft";

Attributes on_axis(int64_t axis) { return {{"axis", axis}}; }

ValueId real(ExpandContext& c, size_t i) {
  return c.add("DequantizeLinear", {c.input(i), c.input(i + 1), c.optional(i + 2)});
}
void set_quantised(ExpandContext& c, ValueId y, size_t scale) {
  c.set(0, c.add("QuantizeLinear", {y, c.input(scale), c.optional(scale + 1)}));
}

template <class Name>
void expand_binary(ExpandContext& c, Name op) {
  set_quantised(c, c.add(op, {real(c, 0), real(c, 3)}), 6);
}
void expand_qlinear_add(ExpandContext& c) { expand_binary(c, "Add"); }
void expand_qlinear_mul(ExpandContext& c) { expand_binary(c, "Mul"); }

Attributes standard(const Node& node) {
  Attributes kept = node.attributes;
  kept.erase("channels_last");
  kept.erase("opset");
  return kept;
}

/// x [N,spatial...,C] as [N,C,spatial...], or back.
ValueId channels_moved(ExpandContext& c, ValueId x, bool to_front) {
  const auto rank = static_cast<int64_t>(c.shape(0).size());
  std::vector<int64_t> order{0};
  if (to_front) order.push_back(rank - 1);
  for (int64_t axis = to_front ? 1 : 2; axis < (to_front ? rank - 1 : rank); ++axis) order.push_back(axis);
  if (!to_front) order.push_back(1);
  return c.add("Transpose", {x}, {{"perm", order}});
}

/// QLinearSigmoid and kin: the operator's name without its prefix.
void expand_unary(ExpandContext& c) {
  const bool channels_last = int_attribute(c.node, "channels_last", 0) != 0;
  ValueId x = real(c, 0);
  if (channels_last) x = channels_moved(c, x, true);
  ValueId y = c.add(c.node.op.substr(std::string("QLinear").size()), {x}, standard(c.node));
  // QLinearSoftmax says of which opset's Softmax it is.
  if (has_attribute(c.node, "opset")) c.nodes.back().opset = int_attribute(c.node, "opset", 13);
  if (channels_last) y = channels_moved(c, y, false);
  set_quantised(c, y, 3);
}

void expand_qlinear_reduce_mean(ExpandContext& c) {
  std::vector<ValueId> operands{real(c, 0)};
  if (has_attribute(c.node, "axes")) operands.push_back(c.ints(ints_attribute(c.node, "axes")));
  const Attributes keep{{"keepdims", int_attribute(c.node, "keepdims", 1)}};
  set_quantised(c, c.add("ReduceMean", operands, keep), 3);
}

// (condition, x, scale, zero, y, scale, zero, z_scale, z_zero)
void expand_qlinear_where(ExpandContext& c) {
  set_quantised(c, c.add("Where", {c.input(0), real(c, 1), real(c, 4)}), 7);
}

// (y_scale, y_zero, x, scale, zero, x, scale, zero, ...)
void expand_qlinear_concat(ExpandContext& c) {
  std::vector<ValueId> parts;
  for (size_t i = 2; i + 2 < c.input_count(); i += 3) parts.push_back(real(c, i));
  set_quantised(c, c.add("Concat", parts, c.node.attributes), 0);
}

// (a, scale, zero, b, scale, zero, c[, y_scale, y_zero]); without y_scale the result is real
void expand_qgemm(ExpandContext& c) {
  const bool rows = int_attribute(c.node, "transB", 0) != 0;
  const ValueId b = c.add("DequantizeLinear", {c.input(3), c.input(4), c.optional(5)}, on_axis(rows ? 0 : 1));
  ValueId bias = kNoValue;
  if (c.has(6)) {
    // It counts in steps of the product, alpha among them.
    const ValueId alpha = c.constant(Tensor::scalar(float_attribute(c.node, "alpha", 1)).to(c.dtype(1)));
    const ValueId scale = c.add("Mul", {c.add("Mul", {c.input(1), c.input(4)}), alpha});
    bias = c.add("DequantizeLinear", {c.input(6), scale}, on_axis(0));
  }
  const ValueId y = c.add("Gemm", {real(c, 0), b, bias}, c.node.attributes);
  if (c.has(7)) return set_quantised(c, y, 7);
  c.set(0, y);
}

/// MatMulInteger(a, b), scaled, with a bias where there is one.
void set_scaled_product(ExpandContext& c, std::vector<ValueId> integers, ValueId a_scale, ValueId b_scale,
                        size_t bias) {
  const ValueId y = c.add("MatMulInteger", std::move(integers));
  const ValueId as_real = c.add("Cast", {y}, {{"to", int64_t{1}}});
  const ValueId scaled = c.add("Mul", {as_real, c.add("Mul", {a_scale, b_scale})});
  c.set(0, c.has(bias) ? c.add("Add", {scaled, c.input(bias)}) : scaled);
}

// (a, b, a_scale, b_scale[, a_zero, b_zero, bias])
void expand_integer_to_float(ExpandContext& c) {
  set_scaled_product(c, {c.input(0), c.input(1), c.optional(4), c.optional(5)}, c.input(2), c.input(3), 6);
}

// (a real, b, b_scale[, b_zero, bias])
void expand_dynamic_matmul(ExpandContext& c) {
  const auto a = c.add("DynamicQuantizeLinear", {c.input(0)}, 3);
  set_scaled_product(c, {a[0], c.input(1), a[2], c.optional(3)}, a[1], c.input(2), 4);
}

/// A weight [D,K,4H] with a scale and a zero point [D] or [D,4H], as LSTM's [D,4H,K] of real numbers.
ValueId recurrent_weight(ExpandContext& c, size_t weight, size_t scale) {
  const int64_t directions = c.extent(weight, 0);
  const auto spread = [&](size_t i) {
    const int64_t each = element_count(c.shape(i)) / std::max<int64_t>(directions, 1);
    return c.add("Reshape", {c.input(i), c.ints({directions, 1, each})});
  };
  const auto cast = [&](ValueId v) { return c.add("Cast", {v}, {{"to", int64_t{1}}}); };
  const ValueId steps = c.add("Sub", {cast(c.input(weight)), cast(spread(scale + 1))});
  const ValueId w = c.add("Mul", {steps, spread(scale)});
  return c.add("Transpose", {w}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
}

// (X, W, R[, B, lengths, h, c, P], W_scale, W_zero, R_scale, R_zero): X and each h are rounded to a dynamic
// grid before they are multiplied.
void expand_dynamic_lstm(ExpandContext& c) {
  std::vector<ValueId> operands{c.input(0), recurrent_weight(c, 1, 8), recurrent_weight(c, 2, 10)};
  for (size_t i = 3; i < 8; ++i) operands.push_back(c.optional(i));
  const auto outputs = c.add("LSTM", operands, 3, c.node.attributes, "onnxray");
  for (size_t i = 0; i < 3; ++i) c.set(i, outputs[i]);
}

// (x, weight, bias, x_scale, weight_scale[, mask, x_zero, weight_zero, past])
void expand_qattention(ExpandContext& c) {
  require(!c.has(8), ErrorCode::unsupported, "it has a past: not supported");
  const ValueId x = c.add("DequantizeLinear", {c.input(0), c.input(3), c.optional(6)});
  const ValueId w = c.add("DequantizeLinear", {c.input(1), c.input(4), c.optional(7)}, on_axis(1));
  c.set(0, c.add("Attention", {x, w, c.input(2), c.optional(5)}, c.node.attributes, kDomain));
}

// (ids, segments, tables and norm as integers, mask, their five scales, their five zero points)
void expand_qembed(ExpandContext& c) {
  std::vector<ValueId> operands{c.input(0), c.optional(1)};
  for (size_t i = 2; i < 7; ++i) {
    const bool given = c.has(i) && c.has(i + 6);
    operands.push_back(given ? c.add("DequantizeLinear", {c.input(i), c.input(i + 6), c.optional(i + 11)})
                             : kNoValue);
  }
  operands.push_back(c.optional(7));
  const auto outputs = c.add("EmbedLayerNormalization", operands, 2, c.node.attributes, kDomain);
  for (size_t i = 0; i < 2; ++i) c.set(i, outputs[i]);
}

void expand_same_name(ExpandContext& c) { c.set(0, c.add(c.node.op, c.node.inputs, c.node.attributes)); }

}  // namespace

std::vector<OpDef> microsoft_quantised_ops() {
  struct Quantised {
    const char* name;
    void (*expand)(ExpandContext&);
  };
  constexpr Quantised kQuantised[] = {
      {"QuantizeLinear", expand_same_name},
      {"DequantizeLinear", expand_same_name},
      {"QLinearAdd", expand_qlinear_add},
      {"QLinearMul", expand_qlinear_mul},
      {"QLinearSigmoid", expand_unary},
      {"QLinearLeakyRelu", expand_unary},
      {"QLinearSoftmax", expand_unary},
      {"QLinearAveragePool", expand_unary},
      {"QLinearGlobalAveragePool", expand_unary},
      {"QLinearReduceMean", expand_qlinear_reduce_mean},
      {"QLinearWhere", expand_qlinear_where},
      {"QLinearConcat", expand_qlinear_concat},
      {"QGemm", expand_qgemm},
      {"MatMulIntegerToFloat", expand_integer_to_float},
      {"DynamicQuantizeMatMul", expand_dynamic_matmul},
      {"DynamicQuantizeLSTM", expand_dynamic_lstm},
      {"QAttention", expand_qattention},
      {"QEmbedLayerNormalization", expand_qembed},
  };
  std::vector<OpDef> ops;
  for (const Quantised& op : kQuantised) ops.push_back(assembly(kDomain, op.name, {1}, op.expand));
  return ops;
}

}  // namespace onnxray
