#include "methods/explain.h"

#include <algorithm>

#include "core/fail.h"
#include "methods/loop.h"
#include "rules/embeddings.h"

namespace onnxray {

std::vector<ExplainedInput> explained_inputs(const Graph& graph, const ExplainSpec& spec) {
  if (spec.at != kNoValue) return {{spec.at, {spec.at}}};
  std::vector<ExplainedInput> all;
  for (const InputInfo& input : graph.inputs) {
    if (!graph.constant(input.value) && is_floating(*graph[input.value].dtype))
      all.push_back({input.value, {input.value}});
  }
  for (const Embedding& embedding : find_embeddings(graph)) {
    const auto known = std::ranges::find(all, embedding.ids, &ExplainedInput::input);
    if (known == all.end())
      all.push_back({embedding.ids, {embedding.vectors}, true});
    else
      known->values.push_back(embedding.vectors);
  }
  return all;
}

namespace {

/// Program inputs for tensors that the caller gives, one per explained value.
std::vector<Var> given(Builder& b, const std::string& name, std::span<const Shape> shapes,
                       std::span<const Var> explained) {
  require(shapes.empty() || shapes.size() == explained.size(), ErrorCode::usage,
          "{} {} tensors for {} explained inputs", shapes.size(), name, explained.size());
  std::vector<Var> vars;
  for (size_t i = 0; i < shapes.size(); ++i)
    vars.push_back(b.input(fmt::format("{}:{}", name, i), shapes[i], b.dtype(explained[i])));
  return vars;
}

/// What arrived at the embeddings of an input, summed for each of its entries.
Var summed_per_token(Builder& b, std::span<const Var> attributions, const Shape& ids) {
  const int64_t count = element_count(ids);
  Var total;
  for (const Var a : attributions) {
    const int64_t entries = element_count(b.shape(a));
    if (count == 0 || entries % count != 0) return a;  // a class activation map has a shape of its own
    const Var sum = b.reshape(b.sum(b.reshape(a, {count, entries / count}), {1}), ids);
    total = total ? b.add(total, sum) : sum;
  }
  return total;
}

}  // namespace

Program emit_explanation(const Graph& graph, const OpRegistry& ops, const ExplainSpec& spec,
                         const Widening& widening, std::vector<Assumption>* assumptions) {
  Program program;
  Builder b(program);
  std::vector<Var> inputs;
  for (const InputInfo& input : graph.inputs) {
    const Value& value = graph[input.value];
    inputs.push_back(value.constant ? b.constant(*value.constant, value.name)
                                    : b.input(value.name, *value.shape, *value.dtype));
  }
  const Forward forward = lower_graph(graph, ops, b, inputs);
  const auto var = [&](ValueId id) { return forward.vars[static_cast<size_t>(id)]; };
  for (const ValueId id : graph.outputs) b.output(graph[id].name, var(id));
  if (spec.methods.empty()) return program;

  const ValueId logits_value = find_logits(graph, graph.outputs[spec.output], spec.keep_softmax);
  const Var logits = var(logits_value);
  b.output("logits", logits);
  const std::vector<ExplainedInput> explained_by_input = explained_inputs(graph, spec);
  std::vector<ValueId> explained;
  for (const ExplainedInput& input : explained_by_input)
    explained.insert(explained.end(), input.values.begin(), input.values.end());
  std::vector<Var> explained_vars;
  for (const ValueId id : explained) explained_vars.push_back(var(id));
  const std::vector<Var> baselines = given(b, "baseline", spec.baselines, explained_vars);
  const std::vector<Var> noise = given(b, "noise", spec.noise, explained_vars);
  const auto samples = b.rank(logits) == 0 ? std::optional<int64_t>() : 0;
  for (size_t k = 0; k < spec.targets.size(); ++k) {
    const TargetVars target = emit_target(b, spec.targets[k], logits, samples, fmt::format("target:{}", k));
    if (target.index) b.output(fmt::format("index:{}", k), target.index);
    b.output(fmt::format("score:{}", k), score(b, target.selection, logits));
    for (size_t m = 0; m < spec.methods.size(); ++m) {
      const auto report = [&](std::string_view name, Var v) {
        b.output(fmt::format("{}:{}:{}", name, m, k), v);
      };
      const auto note = [&](Assumption a) {
        if (assumptions) assume(*assumptions, std::move(a));
      };
      const MethodContext context{graph,
                                  ops,
                                  b,
                                  forward,
                                  inputs,
                                  explained,
                                  logits_value,
                                  target.selection,
                                  baselines,
                                  noise,
                                  report,
                                  spec.report_layers,
                                  &widening,
                                  note};
      const std::vector<Var> attributions = emit_method(spec.methods[m], context);
      std::span<const Var> rest = attributions;
      for (size_t i = 0; i < explained_by_input.size(); ++i) {
        const auto& [input, values, tokens] = explained_by_input[i];
        const auto own = rest.first(values.size());
        b.output(fmt::format("attribution:{}:{}:{}", m, k, i),
                 tokens ? summed_per_token(b, own, b.shape(var(input))) : own[0]);
        rest = rest.subspan(values.size());
      }
      b.set_block(Block::once);
    }
  }
  // Methods of several targets were emitted one after the other.
  std::ranges::stable_sort(program.steps, {}, &Step::block);
  return program;
}

}  // namespace onnxray
