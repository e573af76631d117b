#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

// The softmax written out: exp(x) / sum exp(x), with or without the maximum taken off; its logarithm as
// log(softmax(x)), as x - log sum exp(x), and with ReduceLogSumExp.

namespace {

/// A reduction of x that keeps its rank, so that it broadcasts to x again.
struct Reduced {
  ValueId x = kNoValue;
  int64_t axis = 0;
};

/// `id` as op(x) over one axis; also where the axis went and came back.
std::optional<Reduced> reduced(const GraphEdit& edit, ValueId id, std::string_view op) {
  const Graph& graph = edit.graph;
  const Shape kept = *graph[id].shape;
  const Node* node = edit.producer(id);
  while (node != nullptr && node->domain.empty() && (node->op == "Unsqueeze" || node->op == "Reshape"))
    node = edit.producer(node->inputs[0]);
  if (node == nullptr || !node->domain.empty() || node->op != op) return std::nullopt;
  const ValueId x = node->inputs[0];
  Shape expected = *graph[x].shape;
  const auto axes = reduction_axes(graph, *node, expected.size());
  if (!axes || axes->size() != 1) return std::nullopt;
  expected[static_cast<size_t>((*axes)[0])] = 1;
  if (kept != expected) return std::nullopt;
  return Reduced{x, (*axes)[0]};
}

/// The x of x - max(x) along the axis, which has the same softmax; t itself where it is no such difference.
ValueId before_shift(const GraphEdit& edit, ValueId t, int64_t axis) {
  const Node* sub = edit.producer(t, "Sub");
  if (sub == nullptr) return t;
  const auto largest = reduced(edit, sub->inputs[1], "ReduceMax");
  return largest && largest->axis == axis && largest->x == sub->inputs[0] ? sub->inputs[0] : t;
}

/// The x of a sum of exp(x) along an axis.
std::optional<Reduced> summed_exponentials(const GraphEdit& edit, ValueId id) {
  auto sum = reduced(edit, id, "ReduceSum");
  const Node* exp = sum ? edit.producer(sum->x, "Exp") : nullptr;
  if (exp == nullptr) return std::nullopt;
  return Reduced{exp->inputs[0], sum->axis};
}

/// exp(t) / sum exp(t)
void match_quotient(GraphEdit& edit, Node& node, ValueId e, ValueId sum) {
  const Node* exp = edit.producer(e, "Exp");
  const auto found = exp == nullptr ? std::nullopt : summed_exponentials(edit, sum);
  if (!found || found->x != exp->inputs[0]) return;
  edit.rewrite(node, "Softmax", 13, {before_shift(edit, found->x, found->axis)}, {{"axis", found->axis}});
}

void match_product(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    if (const Node* reciprocal = edit.producer(node.inputs[1 - i], "Reciprocal"))
      return match_quotient(edit, node, node.inputs[i], reciprocal->inputs[0]);
  }
}

/// The x of log sum exp(x).
std::optional<Reduced> log_sum(const GraphEdit& edit, ValueId id) {
  if (const auto whole = reduced(edit, id, "ReduceLogSumExp")) return whole;
  if (const Node* log = edit.producer(id, "Log")) return summed_exponentials(edit, log->inputs[0]);
  // max(x) + log sum exp(x - max(x))
  const Node* add = edit.producer(id, "Add");
  for (size_t i = 0; add != nullptr && i < 2; ++i) {
    const auto largest = reduced(edit, add->inputs[i], "ReduceMax");
    const Node* log = edit.producer(add->inputs[1 - i], "Log");
    const auto rest = largest && log != nullptr ? summed_exponentials(edit, log->inputs[0]) : std::nullopt;
    if (rest && rest->axis == largest->axis && before_shift(edit, rest->x, rest->axis) == largest->x)
      return largest;
  }
  return std::nullopt;
}

/// t - log sum exp(t)
void match_difference(GraphEdit& edit, Node& node) {
  const auto found = log_sum(edit, node.inputs[1]);
  if (!found || found->x != node.inputs[0]) return;
  edit.rewrite(node, "LogSoftmax", 13, {before_shift(edit, found->x, found->axis)}, {{"axis", found->axis}});
}

/// log(softmax(x))
void match_logarithm(GraphEdit& edit, Node& node) {
  const Node* softmax = edit.producer(node.inputs[0], "Softmax");
  if (softmax == nullptr) return;
  edit.rewrite(node, "LogSoftmax", softmax->opset, {softmax->inputs[0]}, Attributes(softmax->attributes));
}

}  // namespace

bool fuse_softmax(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (!node.domain.empty()) continue;
    if (node.op == "Div") match_quotient(edit, node, node.inputs[0], node.inputs[1]);
    if (node.op == "Mul") match_product(edit, node);
    if (node.op == "Sub") match_difference(edit, node);
    if (node.op == "Log") match_logarithm(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
