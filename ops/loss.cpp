#include "core/fail.h"
#include "ops/families.h"

namespace onnxray {

namespace {

/// What a loss needs beyond its scores: ignored labels, weights per class, how losses are reduced.
struct Labels {
  Var safe;    ///< i64 [N,1,d..], 0 where the label is ignored
  Var weight;  ///< [N,d..]: of the label's class, 0 where it is ignored
};

Labels read_labels(LowerContext& c, const Shape& scores, DType dtype) {
  Builder& b = c.b;
  Shape wanted = scores;
  wanted.erase(wanted.begin() + 1);
  require(c.shape(1) == wanted, ErrorCode::bad_file, "labels {} for scores {}", to_string(c.shape(1)),
          to_string(scores));
  Var label = b.cast(c.input(1), DType::i64), ignored;
  if (c.has_attr("ignore_index")) {
    ignored = b.equal(label, static_cast<double>(c.int_attr("ignore_index", 0, kAnyInteger)));
    label = b.select(ignored, b.scalar(0, DType::i64), label);
  }
  Labels result;
  result.weight = c.has(2) ? b.gather(c.input(2), label, 0) : b.filled(1, wanted, dtype);
  if (ignored) result.weight = b.select(ignored, b.scalar(0, dtype), result.weight);
  Shape column = wanted;
  column.insert(column.begin() + 1, 1);
  result.safe = b.reshape(label, column);
  return result;
}

// loss = -weight[label] log p[label]; its mean divides by the sum of the weights
Var negative_log_likelihood(LowerContext& c, Var log_p) {
  Builder& b = c.b;
  const Shape scores = b.shape(log_p);
  require(scores.size() >= 2, ErrorCode::bad_file, "scores {} have no axis of classes", to_string(scores));
  const Labels labels = read_labels(c, scores, b.dtype(log_p));
  const Var picked = b.reshape(b.gather_elements(log_p, labels.safe, 1), b.shape(labels.weight));
  const Var loss = b.neg(b.mul(picked, labels.weight));
  const std::string reduction = c.string_attr("reduction", "mean");
  if (reduction == "none") return loss;
  const Var total = b.sum(loss, {}, false);
  if (reduction == "sum") return total;
  require(reduction == "mean", ErrorCode::bad_file, "its reduction must be none, sum or mean, not '{}'",
          reduction);
  return b.div(total, b.sum(labels.weight, {}, false));
}

void lower_nll(LowerContext& c) { c.set(0, negative_log_likelihood(c, c.input(0))); }

void lower_cross_entropy(LowerContext& c) {
  const Var log_p = c.b.softmax(c.input(0), 1, true);
  c.set(0, negative_log_likelihood(c, log_p));
  c.set(1, log_p);
}

}  // namespace

std::vector<OpDef> loss_ops() {
  using enum RelevanceClass;
  return {
      {"", "NegativeLogLikelihoodLoss", {12, 13, 22}, lower_nll, sum},
      {"", "SoftmaxCrossEntropyLoss", {12, 13}, lower_cross_entropy, sum},
  };
}

}  // namespace onnxray
