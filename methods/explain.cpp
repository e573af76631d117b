#include "methods/explain.h"

#include <algorithm>

#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/find_samples.h"
#include "methods/loop.h"
#include "methods/probability_order.h"
#include "methods/trees.h"

namespace onnxray {

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

}  // namespace

Program emit_explanation(const Graph& graph, const OpRegistry& ops, const ExplainSpec& spec,
                         const Widening& widening, Findings* findings) {
  if (!spec.head && !spec.methods.empty()) {
    Graph separated = graph;
    ExplainSpec known = spec;
    known.head = explained_head(separated, spec.output, spec.keep_softmax);
    return emit_explanation(separated, ops, known, widening, findings);
  }
  Program program;
  Builder b(program);
  const std::vector<Var> inputs = operands_of_inputs(b, graph);
  const Forward forward = lower_graph(graph, ops, b, inputs);
  const auto var = [&](ValueId id) { return forward.vars[static_cast<size_t>(id)]; };
  for (const ValueId id : graph.outputs) b.output(graph[id].name, var(id));

  const bool explains = !spec.methods.empty();
  const ValueId output = graph.outputs[spec.output];
  const ValueId logits_value = explains ? spec.head->logits : output;
  Findings found;
  found.logits = logits_value;
  found.samples = find_samples({graph, program, forward, output, logits_value,
                                explains ? spec.given_samples : GivenSamples{}, spec.exceeding_samples},
                               found.assumptions);
  if (!explains) {
    if (findings) *findings = std::move(found);
    return program;
  }

  const Var logits = var(logits_value);
  b.output("logits", logits);
  found.explained = find_explained(graph, ops, output, spec.at, spec.attribute, spec.not_attributed);
  const Explained& explained = found.explained;
  const auto note = [&](Assumption a) { assume(found.assumptions, std::move(a)); };
  for (const Assumption& a : explained.assumptions) note(a);
  if (const auto trees = assumption_of_trees(graph, explained.values, output, spec.methods)) note(*trees);
  std::vector<Var> explained_vars;
  for (const ValueId id : explained.values) explained_vars.push_back(var(id));
  const std::vector<Var> baselines = given(b, "baseline", spec.baselines, explained_vars);
  const std::vector<Var> noise = given(b, "noise", spec.noise, explained_vars);
  const std::optional<int64_t> samples = found.samples.plain_axis(logits_value);
  if (const auto head = assumption_of(graph, *spec.head, samples)) note(*head);
  const auto is_argmax = [](const TargetForm& form) { return form.kind == TargetForm::Kind::argmax; };
  const Var order = std::ranges::any_of(spec.targets, is_argmax)
                        ? probability_order(b, *spec.head, logits, var(spec.head->output), samples)
                        : logits;
  for (size_t k = 0; k < spec.targets.size(); ++k) {
    const TargetVars target =
        emit_target(b, spec.targets[k], logits, order, samples, fmt::format("target:{}", k));
    if (target.index) b.output(fmt::format("index:{}", k), target.index);
    const Var weighted = b.mul(target.selection, logits);
    b.output(fmt::format("score:{}", k), sum_per_sample(b, weighted, found.samples.of(logits_value)));
    for (size_t m = 0; m < spec.methods.size(); ++m) {
      const auto report = [&](std::string_view name, Var v) {
        b.output(fmt::format("{}:{}:{}", name, m, k), v);
      };
      const MethodContext context{graph,
                                  ops,
                                  b,
                                  forward,
                                  inputs,
                                  explained.values,
                                  found.samples,
                                  logits_value,
                                  target.selection,
                                  baselines,
                                  noise,
                                  report,
                                  spec.report_layers,
                                  &widening,
                                  note,
                                  explained.inputs};
      const std::vector<Var> attributions = emit_method(spec.methods[m], context);
      for (size_t i = 0; i < attributions.size(); ++i)
        b.output(fmt::format("attribution:{}:{}:{}", m, k, i), attributions[i]);
      b.set_block(Block::once);
    }
  }
  // Methods of several targets were emitted one after the other.
  std::ranges::stable_sort(program.steps, {}, &Step::block);
  if (findings) *findings = std::move(found);
  return program;
}

}  // namespace onnxray
