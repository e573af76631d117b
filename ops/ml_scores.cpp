#include "ops/ml_scores.h"

#include "core/fail.h"

namespace onnxray {

namespace {

ValueId number(ExpandContext& c, double value) {
  return c.constant(Tensor::scalar(static_cast<float>(value)));
}

std::string transform_of(const ExpandContext& c) {
  return string_attribute(c.node, "post_transform", "NONE");
}

/// softmax over the scores that are not 0, where 0 means that nothing spoke for a class
ValueId softmax_zero(ExpandContext& c, ValueId scores) {
  const ValueId is_zero = c.add("Less", {c.add("Abs", {scores}), number(c, 1e-7)});
  const ValueId hidden = c.add("Where", {is_zero, number(c, -1e30), scores});
  return c.add("Where", {is_zero, scores, c.add("Softmax", {hidden}, {{"axis", int64_t{1}}})});
}

ValueId labels_at(ExpandContext& c, ValueId index, std::string_view integer_labels) {
  const std::vector<int64_t> labels = ints_attribute(c.node, integer_labels, kAnyInteger);
  return labels.empty() ? index : c.add("Gather", {c.ints(labels), index});
}

}  // namespace

ValueId transformed_scores(ExpandContext& c, ValueId scores, const std::string& transform) {
  if (transform == "NONE") return scores;
  if (transform == "LOGISTIC") return c.add("Sigmoid", {scores});
  if (transform == "SOFTMAX") return c.add("Softmax", {scores}, {{"axis", int64_t{1}}});
  if (transform == "SOFTMAX_ZERO") return softmax_zero(c, scores);
  fail(ErrorCode::unsupported, "post_transform {}: NONE, LOGISTIC, SOFTMAX and SOFTMAX_ZERO are supported",
       transform);
}

void set_classifier_outputs(ExpandContext& c, ValueId votes, ValueId scores,
                            std::string_view integer_labels) {
  const ValueId winner = c.add("ArgMax", {votes}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
  c.set(0, labels_at(c, winner, integer_labels));
  c.set(1, transformed_scores(c, scores, transform_of(c)));
}

void set_binary_outputs(ExpandContext& c, ValueId s, double threshold, bool signed_scores,
                        std::string_view integer_labels) {
  const ValueId second = c.add("Greater", {s, number(c, threshold)});
  const ValueId index = c.add("Cast", {c.add("Squeeze", {second, c.ints({1})})}, {{"to", int64_t{7}}});
  c.set(0, labels_at(c, index, integer_labels));
  const ValueId other = signed_scores ? c.add("Neg", {s}) : c.add("Sub", {number(c, 1), s});
  const ValueId both = c.add("Concat", {other, s}, {{"axis", int64_t{1}}});
  const bool squashed = signed_scores && transform_of(c) == "LOGISTIC";
  c.set(1, squashed ? c.add("Sigmoid", {both}) : both);
}

}  // namespace onnxray
