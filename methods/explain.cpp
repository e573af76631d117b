#include "methods/explain.h"

#include <fmt/format.h>

namespace onnxray {

std::vector<ValueId> explained_values(const Graph& graph, const ExplainSpec& spec) {
  if (spec.at != kNoValue) return {spec.at};
  std::vector<ValueId> values;
  for (const InputInfo& input : graph.inputs) {
    if (!graph.constant(input.value) && is_floating(*graph[input.value].dtype)) values.push_back(input.value);
  }
  return values;
}

namespace {

/// Sum of selection * logits per sample.
Var score(Builder& b, Var selection, Var logits) {
  std::vector<int64_t> axes;
  for (size_t i = 1; i < b.rank(logits); ++i) axes.push_back(static_cast<int64_t>(i));
  const Var weighted = b.mul(selection, logits);
  return axes.empty() ? weighted : b.sum(weighted, axes, false);
}

}  // namespace

Program emit_explanation(const Graph& graph, const OpRegistry& ops, const ExplainSpec& spec) {
  Program program;
  Builder b(program);
  std::vector<Var> inputs;
  for (const InputInfo& input : graph.inputs) {
    const Value& value = graph[input.value];
    inputs.push_back(value.constant ? b.constant(*value.constant, value.name) : b.input(value.name, *value.shape, *value.dtype));
  }
  const Forward forward = lower_graph(graph, ops, b, inputs);
  const auto var = [&](ValueId id) { return forward.vars[static_cast<size_t>(id)]; };
  for (const ValueId id : graph.outputs) b.output(graph[id].name, var(id));
  if (spec.methods.empty()) return program;

  const ValueId logits_value = find_logits(graph, graph.outputs[spec.output], spec.keep_softmax);
  const Var logits = var(logits_value);
  b.output("logits", logits);
  const std::vector<ValueId> explained = explained_values(graph, spec);
  for (size_t k = 0; k < spec.targets.size(); ++k) {
    const TargetVars target = emit_target(b, spec.targets[k], logits, fmt::format("target:{}", k));
    if (target.index) b.output(fmt::format("index:{}", k), target.index);
    b.output(fmt::format("score:{}", k), score(b, target.selection, logits));
    const MethodContext context{graph, ops, b, forward, inputs, explained, logits_value, target.selection};
    for (size_t m = 0; m < spec.methods.size(); ++m) {
      const std::vector<Var> attributions = emit_method(spec.methods[m], context);
      for (size_t i = 0; i < attributions.size(); ++i) b.output(fmt::format("attribution:{}:{}:{}", m, k, i), attributions[i]);
    }
  }
  return program;
}

}  // namespace onnxray
