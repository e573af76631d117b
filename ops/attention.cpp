#include <cmath>
#include <limits>
#include <numeric>

#include "core/checked.h"
#include "ops/expand.h"
#include "ops/families.h"

namespace onnxray {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// y = softmax(cap(scale q k^T) + bias) v as nodes of their own, so that each product has its rule.
class AttentionExpansion {
 public:
  explicit AttentionExpansion(ExpandContext& context) : c_(context) {}
  void run();

 private:
  /// A value [N, heads, length, size].
  struct Heads {
    ValueId value;
    Shape shape;
  };

  Heads split(size_t i, const char* heads_attribute);
  Heads with_past(size_t past, Heads x);
  ValueId repeated(const Heads& x, int64_t heads);
  ValueId operand_mask();
  void allow_places();
  ValueId softmax(ValueId scores);

  void allow(ValueId condition) {
    allowed_ = allowed_ == kNoValue ? condition : c_.add("And", {allowed_, condition});
  }
  ValueId number(double value) { return c_.constant(Tensor::scalar(value).to(c_.dtype(0))); }
  ValueId whole(int64_t value) { return c_.constant(Tensor::scalar(value)); }
  ValueId counter(int64_t n, Shape shape) {
    std::vector<int64_t> values(static_cast<size_t>(n));
    std::iota(values.begin(), values.end(), 0);
    return c_.constant(Tensor::of<int64_t>(std::move(shape), values));
  }

  ExpandContext& c_;
  int64_t queries_ = 0, keys_ = 0;
  ValueId allowed_ = kNoValue;  // boolean, broadcastable to the scores; none: all
  bool may_see_none_ = false;   // whether a query may see no key at all
};

/// From itself or from [N, L, heads * size].
AttentionExpansion::Heads AttentionExpansion::split(size_t i, const char* heads_attribute) {
  const Shape shape = c_.shape(i);
  if (shape.size() == 4) return {c_.input(i), shape};
  const int64_t heads = int_attribute(c_.node, heads_attribute, 0);
  require(shape.size() == 3 && heads > 0 && shape[2] % heads == 0, ErrorCode::bad_file,
          "input {} is {}: needs rank 4, or rank 3 with a width that {} = {} divides", i, to_string(shape),
          heads_attribute, heads);
  const int64_t size = shape[2] / heads;
  const ValueId parts = c_.add("Reshape", {c_.input(i), c_.ints({shape[0], shape[1], heads, size})});
  return {c_.add("Transpose", {parts}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}}),
          {shape[0], heads, shape[1], size}};
}

/// Appends what input `past` holds along the sequence axis, where there is one.
AttentionExpansion::Heads AttentionExpansion::with_past(size_t past, Heads x) {
  if (!c_.has(past)) return x;
  x.value = c_.add("Concat", {c_.input(past), x.value}, {{"axis", int64_t{2}}});
  x.shape[2] += c_.extent(past, 2);
  return x;
}

/// Grouped queries: [h0, h0, ..., h1, h1, ...] from key or value heads [h0, h1, ...].
ValueId AttentionExpansion::repeated(const Heads& x, int64_t heads) {
  const Shape& s = x.shape;
  if (s[1] == heads) return x.value;
  require(s[1] > 0 && heads % s[1] == 0, ErrorCode::bad_file, "{} query heads cannot share {} key heads",
          heads, s[1]);
  const ValueId apart = c_.add("Unsqueeze", {x.value, c_.ints({2})});
  const ValueId spread = c_.add("Expand", {apart, c_.ints({s[0], s[1], heads / s[1], s[2], s[3]})});
  return c_.add("Reshape", {spread, c_.ints({s[0], heads, s[2], s[3]})});
}

/// The operand attn_mask, its last axis filled up with what forbids: a bias, or none where it is boolean.
ValueId AttentionExpansion::operand_mask() {
  if (!c_.has(3)) return kNoValue;
  const bool boolean = c_.dtype(3) == DType::boolean;
  Shape missing = c_.shape(3);
  require(!missing.empty() && missing.back() <= keys_, ErrorCode::bad_file, "attn_mask {} for {} keys",
          to_string(missing), keys_);
  missing.back() = keys_ - missing.back();
  ValueId mask = c_.input(3);
  if (missing.back() > 0) {
    const Tensor fill = Tensor::filled(c_.dtype(3), missing, boolean ? 0 : -kInfinity);
    mask = c_.add("Concat", {mask, c_.constant(fill)}, {{"axis", int64_t{-1}}});
  }
  may_see_none_ = true;
  if (!boolean) {
    const Tensor never = Tensor::scalar(-kInfinity).to(c_.dtype(3));
    allow(c_.add("Less", {c_.constant(never), mask}));
    return mask;
  }
  allow(mask);
  return kNoValue;
}

/// Causality and windows compare the key's place with the query's, which starts behind the past; and keys
/// behind nonpad_kv_seqlen are padding.
void AttentionExpansion::allow_places() {
  const int64_t left = int_attribute(c_.node, "left_window_size", -1),
                right = int_attribute(c_.node, "right_window_size", -1);
  const ValueId j = counter(keys_, {1, 1, 1, keys_});
  ValueId i = counter(queries_, {1, 1, queries_, 1});
  if (c_.has(6)) {
    const ValueId lengths = c_.add("Reshape", {c_.add("Cast", {c_.input(6)}, {{"to", int64_t{7}}}),
                                               c_.ints({element_count(c_.shape(6)), 1, 1, 1})});
    allow(c_.add("Less", {j, lengths}));
    i = c_.add("Add", {i, c_.add("Sub", {lengths, whole(queries_)})});
  } else if (c_.has(4)) {
    i = c_.add("Add", {i, whole(c_.extent(4, 2))});
  }
  if (int_attribute(c_.node, "is_causal", 0) != 0) allow(c_.add("LessOrEqual", {j, i}));
  if (left >= 0) allow(c_.add("LessOrEqual", {c_.add("Sub", {i, j}), whole(left)}));
  if (right >= 0) allow(c_.add("LessOrEqual", {c_.add("Sub", {j, i}), whole(right)}));
  may_see_none_ |= c_.has(6) || left >= 0 || right >= 0;
}

/// A query that sees no key gets weights 0. Its scores are all -inf, whose softmax would be NaN.
ValueId AttentionExpansion::softmax(ValueId scores) {
  const Attributes last{{"axis", int64_t{-1}}};
  if (allowed_ == kNoValue || !may_see_none_) return c_.add("Softmax", {scores}, last);
  const ValueId counts = c_.add("Cast", {allowed_}, {{"to", int64_t{7}}});
  const ValueId any = c_.add("Cast", {c_.add("ReduceMax", {counts, c_.ints({-1})})}, {{"to", int64_t{9}}});
  const ValueId finite = c_.add("Where", {any, scores, number(0)});
  return c_.add("Where", {any, c_.add("Softmax", {finite}, last), number(0)});
}

void AttentionExpansion::run() {
  require(c_.has(4) == c_.has(5), ErrorCode::bad_file, "past_key and past_value must be given together");
  const Heads q = split(0, "q_num_heads"), k = with_past(4, split(1, "kv_num_heads")),
              v = with_past(5, split(2, "kv_num_heads"));
  const int64_t heads = q.shape[1], mode = int_attribute(c_.node, "qk_matmul_output_mode", 0);
  require(mode >= 0 && mode <= 3, ErrorCode::bad_file, "its qk_matmul_output_mode must be 0 to 3, not {}",
          mode);
  queries_ = q.shape[2];
  keys_ = k.shape[2];
  const double scale = float_attribute(c_.node, "scale", 1 / std::sqrt(static_cast<double>(q.shape[3])));
  const double cap = float_attribute(c_.node, "softcap", 0);

  // The scale is applied to q: k may be long.
  const ValueId turned =
      c_.add("Transpose", {repeated(k, heads)}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  const ValueId raw = c_.add("MatMul", {c_.add("Mul", {q.value, number(scale)}), turned});
  ValueId capped = raw;
  if (cap > 0) capped = c_.add("Mul", {c_.add("Tanh", {c_.add("Div", {raw, number(cap)})}), number(cap)});
  const ValueId bias = operand_mask();
  allow_places();
  ValueId scores = bias == kNoValue ? capped : c_.add("Add", {capped, bias});
  if (allowed_ != kNoValue) scores = c_.add("Where", {allowed_, scores, number(-kInfinity)});
  const ValueId weights = softmax(scores);
  ValueId y = c_.add("MatMul", {weights, repeated(v, heads)});
  if (c_.shape(0).size() == 3) {
    y = c_.add("Transpose", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    y = c_.add("Reshape", {y, c_.ints({q.shape[0], queries_, checked_product(heads, v.shape[3])})});
  }
  const ValueId stages[] = {raw, capped, scores, weights};
  c_.set(0, y);
  c_.set(1, k.value);
  c_.set(2, v.value);
  c_.set(3, stages[mode]);
}

void expand_attention(ExpandContext& context) { AttentionExpansion(context).run(); }

}  // namespace

std::vector<OpDef> attention_ops() { return {assembly("", "Attention", {23, 24, 25}, expand_attention)}; }

}  // namespace onnxray
