#include <algorithm>

#include "core/fail.h"
#include "ops/expand.h"
#include "ops/families.h"

namespace onnxray {

namespace {

// The fused nodes that ONNX Runtime's optimiser writes, as the nodes that it fused.

constexpr const char* kDomain = "com.microsoft";

ValueId number(ExpandContext& c, double value, size_t like = 0) {
  return c.constant(Tensor::scalar(value).to(c.dtype(like)));
}

ValueId sum_of(ExpandContext& c, std::vector<ValueId> terms) {
  std::erase(terms, kNoValue);
  ValueId total = terms.at(0);
  for (size_t i = 1; i < terms.size(); ++i) total = c.add("Add", {total, terms[i]});
  return total;
}

/// Swaps the last two axes, and before that rotates the first of the batch axes in front of the last.
ValueId turned(ExpandContext& c, size_t i, const char* transpose, const char* batch) {
  const auto rank = static_cast<int64_t>(c.shape(i).size());
  std::vector<int64_t> order(static_cast<size_t>(rank));
  for (int64_t a = 0; a < rank; ++a) order[static_cast<size_t>(a)] = a;
  const bool rotate = int_attribute(c.node, batch, 0) != 0, swap = int_attribute(c.node, transpose, 0) != 0;
  if (rank < 2 || (!rotate && !swap)) return c.input(i);
  if (rotate && rank > 2) std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  if (swap) std::swap(order[order.size() - 1], order[order.size() - 2]);
  return c.add("Transpose", {c.input(i)}, {{"perm", order}});
}

// y = alpha op(a) op(b). The factor goes to a constant operand, the weight of a rule, where there is one.
void expand_fused_matmul(ExpandContext& c) {
  ValueId a = turned(c, 0, "transA", "transBatchA"), b = turned(c, 1, "transB", "transBatchB");
  const double alpha = float_attribute(c.node, "alpha", 1);
  const auto scaled = [&](ValueId v) { return alpha == 1 ? v : c.add("Mul", {v, number(c, alpha)}); };
  if (c.known(1)) return c.set(0, c.add("MatMul", {a, scaled(b)}));
  if (c.known(0)) return c.set(0, c.add("MatMul", {scaled(a), b}));
  c.set(0, scaled(c.add("MatMul", {a, b})));
}

/// The activation that a fused product ends in.
ValueId activated(ExpandContext& c, ValueId x) {
  const std::string f = string_attribute(c.node, "activation", "");
  if (f.empty()) return x;
  std::vector<double> p = floats_attribute(c.node, "activation_params");
  if (p.empty() && has_attribute(c.node, "activation_alpha"))
    p = {float_attribute(c.node, "activation_alpha", 0), float_attribute(c.node, "activation_beta", 0)};
  if (f == "Clip" && p.size() == 2) return c.add("Clip", {x, number(c, p[0]), number(c, p[1])});
  Attributes attributes;
  if (!p.empty()) attributes["alpha"] = p[0];
  if (p.size() > 1) attributes["beta"] = p[1];
  return c.add(f, {x}, attributes);
}

Attributes without_activation(const Node& node) {
  Attributes kept = node.attributes;
  std::erase_if(kept, [](const auto& entry) { return entry.first.starts_with("activation"); });
  return kept;
}

// y = activation(x * w + b + z)
void expand_fused_conv(ExpandContext& c) {
  const ValueId y = c.add("Conv", {c.input(0), c.input(1), c.optional(2)}, without_activation(c.node));
  c.set(0, activated(c, sum_of(c, {y, c.optional(3)})));
}

void expand_fused_gemm(ExpandContext& c) {
  c.set(0, activated(c, c.add("Gemm", {c.input(0), c.input(1), c.optional(2)}, without_activation(c.node))));
}

void expand_gelu(ExpandContext& c) { c.set(0, c.add("Gelu", {c.input(0)})); }
void expand_bias_gelu(ExpandContext& c) { c.set(0, c.add("Gelu", {c.add("Add", {c.input(0), c.input(1)})})); }
void expand_fast_gelu(ExpandContext& c) {
  c.set(0, c.add("Gelu", {sum_of(c, {c.input(0), c.optional(1)})}, {{"approximate", std::string("tanh")}}));
}
// x sigmoid(alpha x)
void expand_quick_gelu(ExpandContext& c) {
  const ValueId scaled = c.add("Mul", {c.input(0), number(c, float_attribute(c.node, "alpha", 1.702))});
  c.set(0, c.add("Mul", {c.input(0), c.add("Sigmoid", {scaled})}));
}

ValueId rms_norm(ExpandContext& c, ValueId x, ValueId gamma, double epsilon, int64_t axis) {
  const ValueId square = c.add("ReduceMean", {c.add("Mul", {x, x}), c.ints({axis})});
  const ValueId deviation = c.add("Sqrt", {c.add("Add", {square, number(c, epsilon)})});
  return c.add("Mul", {c.add("Div", {x, deviation}), gamma});
}

void expand_simplified_layer_norm(ExpandContext& c) {
  c.set(0, rms_norm(c, c.input(0), c.input(1), float_attribute(c.node, "epsilon", 1e-5),
                    int_attribute(c.node, "axis", -1)));
}

// (input, skip, gamma[, beta, bias]) -> (norm(input + skip + bias), , , the sum)
void expand_skip_layer_norm(ExpandContext& c) {
  const ValueId sum = sum_of(c, {c.input(0), c.input(1), c.optional(4)});
  const double epsilon = float_attribute(c.node, "epsilon", 1e-5);
  c.set(0, c.add("LayerNormalization", {sum, c.input(2), c.optional(3)}, {{"epsilon", epsilon}}));
  c.set(3, sum);
}
// (input, skip, gamma[, bias])
void expand_skip_rms_norm(ExpandContext& c) {
  const ValueId sum = sum_of(c, {c.input(0), c.input(1), c.optional(3)});
  c.set(0, rms_norm(c, sum, c.input(2), float_attribute(c.node, "epsilon", 1e-5), -1));
  c.set(3, sum);
}

// (ids, segments, words, positions, segment table, gamma, beta[, mask, position ids]) -> (embedding, mask
// count, sum)
void expand_embed_layer_norm(ExpandContext& c) {
  const auto rows = [&](size_t table, ValueId ids) { return c.add("Gather", {c.input(table), ids}); };
  const int64_t length = c.extent(0, 1);
  ValueId positions = c.optional(8);
  if (positions == kNoValue) {
    std::vector<int64_t> counted(static_cast<size_t>(length));
    for (int64_t i = 0; i < length; ++i) counted[static_cast<size_t>(i)] = i;
    positions = c.constant(Tensor::of<int64_t>({1, length}, counted));
  }
  const ValueId segments = c.has(1) && c.has(4) ? rows(4, c.input(1)) : kNoValue;
  const ValueId sum = sum_of(c, {rows(2, c.input(0)), rows(3, positions), segments});
  const double epsilon = float_attribute(c.node, "epsilon", 1e-12);
  c.set(0, c.add("LayerNormalization", {sum, c.input(5), c.input(6)}, {{"epsilon", epsilon}}));
  if (c.wants(1)) {
    const ValueId ones = c.has(7) ? c.input(7) : c.constant(Tensor::filled(DType::i32, c.shape(0), 1));
    c.set(1, c.add("ReduceSum", {ones, c.ints({1})}, {{"keepdims", int64_t{0}}}));
  }
  c.set(2, sum);
}

/// A [N,keys] mask of 0 and 1, or a mask that broadcasts over the scores, as a boolean one.
ValueId key_mask(ExpandContext& c, size_t i) {
  const ValueId on = c.add("Cast", {c.input(i)}, {{"to", int64_t{9}}});
  const size_t rank = c.shape(i).size();
  require(rank >= 2, ErrorCode::unsupported, "its mask {} counts keys: only masks of 0 and 1 are supported",
          to_string(c.shape(i)));
  return rank == 2   ? c.add("Unsqueeze", {on, c.ints({1, 2})})
         : rank == 3 ? c.add("Unsqueeze", {on, c.ints({1})})
                     : on;
}

ValueId attend(ExpandContext& c, ValueId q, ValueId k, ValueId v, ValueId mask, size_t output) {
  const int64_t heads = int_attribute(c.node, "num_heads", 0);
  Attributes attributes{{"q_num_heads", heads},
                        {"kv_num_heads", heads},
                        {"is_causal", int_attribute(c.node, "unidirectional", 0)}};
  if (float_attribute(c.node, "scale", 0) != 0) attributes["scale"] = float_attribute(c.node, "scale", 0);
  const auto y = c.add("Attention", {q, k, v, mask}, 1, attributes);
  c.set(output, y[0]);
  return y[0];
}

// (x, weight [C,3H], bias[, mask]): q, k and v from one product.
void expand_attention(ExpandContext& c) {
  require(!c.has(4) && !c.has(5), ErrorCode::unsupported,
          "it has a past or a bias of its scores: not supported");
  const ValueId all = sum_of(c, {c.add("MatMul", {c.input(0), c.input(1)}), c.optional(2)});
  const std::vector<int64_t> sizes = ints_attribute(c.node, "qkv_hidden_sizes");
  const int64_t third = c.extent(1, 1) / 3;
  const ValueId parts = c.ints(sizes.empty() ? std::vector<int64_t>(3, third) : sizes);
  const auto qkv = c.add("Split", {all, parts}, 3, {{"axis", int64_t{2}}});
  attend(c, qkv[0], qkv[1], qkv[2], c.has(3) ? key_mask(c, 3) : kNoValue, 0);
}

// (query, key, value[, bias, key mask, bias of the scores])
void expand_multi_head_attention(ExpandContext& c) {
  require(c.has(1) && c.has(2) && c.shape(0).size() == 3 && c.shape(1).size() == 3 && !c.has(6) && !c.has(7),
          ErrorCode::unsupported, "only separate query, key and value [N,L,C] without a past are supported");
  std::vector<ValueId> qkv{c.input(0), c.input(1), c.input(2)};
  if (c.has(3)) {
    const auto biases = c.add("Split", {c.input(3), c.ints({c.shape(0)[2], c.shape(1)[2], c.shape(2)[2]})}, 3,
                              {{"axis", int64_t{0}}});
    for (size_t i = 0; i < 3; ++i) qkv[i] = c.add("Add", {qkv[i], biases[i]});
  }
  require(!c.has(4) || !c.has(5), ErrorCode::unsupported, "a key mask and a bias of the scores together");
  const ValueId mask = c.has(4) ? key_mask(c, 4) : c.optional(5);
  attend(c, qkv[0], qkv[1], qkv[2], mask, 0);
}

}  // namespace

std::vector<OpDef> microsoft_ops() {
  struct Fused {
    const char* name;
    void (*expand)(ExpandContext&);
  };
  constexpr Fused kFused[] = {
      {"FusedMatMul", expand_fused_matmul},
      {"TransposeMatMul", expand_fused_matmul},
      {"FusedConv", expand_fused_conv},
      {"FusedGemm", expand_fused_gemm},
      {"Gelu", expand_gelu},
      {"BiasGelu", expand_bias_gelu},
      {"FastGelu", expand_fast_gelu},
      {"QuickGelu", expand_quick_gelu},
      {"SkipLayerNormalization", expand_skip_layer_norm},
      {"SkipSimplifiedLayerNormalization", expand_skip_rms_norm},
      {"SimplifiedLayerNormalization", expand_simplified_layer_norm},
      {"EmbedLayerNormalization", expand_embed_layer_norm},
      {"Attention", expand_attention},
      {"MultiHeadAttention", expand_multi_head_attention},
  };
  std::vector<OpDef> ops;
  for (const Fused& op : kFused) ops.push_back(assembly(kDomain, op.name, {1}, op.expand));
  // ONNX Runtime registers this one in the default domain.
  ops.push_back(assembly("", "SimplifiedLayerNormalization", {1}, expand_simplified_layer_norm));
  return ops;
}

}  // namespace onnxray
