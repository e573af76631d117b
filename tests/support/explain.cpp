#include "tests/support/explain.h"

#include <algorithm>
#include <cmath>

#include "backends/reference/reference.h"
#include "core/difference.h"
#include "core/optimise/optimise.h"
#include "methods/method.h"

namespace onnxray::test {

ExplainSpec explain_spec(const std::string& method, TargetForm kind) {
  ExplainSpec spec;
  spec.methods = resolve_methods({method}, {}, "signxai");
  spec.targets = {kind};
  return spec;
}

Program raw_program(const Graph& graph, const std::string& method, TargetForm kind) {
  return emit_explanation(graph, OpRegistry::builtin(), explain_spec(method, kind));
}

Program explanation_program(const Graph& graph, const std::string& method, TargetForm kind) {
  Program program = raw_program(graph, method, kind);
  optimise(program, *make_reference_backend(true));
  return program;
}

Results run(const Program& program, const std::vector<Tensor>& inputs) {
  const auto backend = make_reference_backend(true);
  const std::vector<Tensor> values =
      backend->compile(make_plan(program, backend->plan_options()))->run(inputs);
  Results results;
  for (size_t i = 0; i < values.size(); ++i) results.emplace(program.outputs[i].name, values[i]);
  return results;
}

TargetSpec target_index(std::vector<int64_t> indices) {
  TargetSpec target;
  target.kind = TargetSpec::Kind::index;
  target.indices = std::move(indices);
  return target;
}

TargetSpec target_mask(Tensor mask) {
  TargetSpec target;
  target.kind = TargetSpec::Kind::mask;
  target.mask = std::move(mask);
  return target;
}

namespace {

/// The tensor of a program's first target.
Tensor target_operand(const Program& program, const Findings& found, const TargetSpec& target) {
  const auto logits = std::ranges::find(program.outputs, "logits", &NamedVar::name);
  return target_input(target, program[logits->var].shape, found.samples.plain_axis(found.logits));
}

}  // namespace

Results explain_results(const Graph& graph, const std::string& method, const std::vector<Tensor>& inputs,
                        const TargetSpec& target) {
  Findings found;
  Program program =
      emit_explanation(graph, OpRegistry::builtin(), explain_spec(method, target.form()), {}, &found);
  optimise(program, *make_reference_backend(true));
  std::vector<Tensor> operands = inputs;
  if (target.form().needs_tensor()) operands.push_back(target_operand(program, found, target));
  return run(program, operands);
}

namespace {

/// What a session makes of a graph of doubles for a backend of floats (Specialisation::single).
Graph in_single_precision(Graph graph) {
  for (Value& value : graph.values) {
    if (value.dtype == DType::f64) value.dtype = DType::f32;
    if (value.constant && value.constant->dtype() == DType::f64)
      value.constant = value.constant->to(DType::f32);
  }
  return graph;
}

/// Methods that can share one program.
std::vector<Tensor> explain_group(Backend& backend, Graph graph, std::vector<MethodSpec> methods,
                                  const Tensor& x, const TargetSpec& target, const Runner& run) {
  if (backend.plan_options().real_size == sizeof(float)) graph = in_single_precision(std::move(graph));
  ExplainSpec spec;
  spec.methods = std::move(methods);
  spec.targets = {target.form()};
  Findings found;
  Program program = emit_explanation(graph, OpRegistry::builtin(), spec, {}, &found);
  optimise(program, backend);
  const Tensor chosen = target_operand(program, found, target);
  const Plan plan = make_plan(program, backend.plan_options());
  const auto values = run(*backend.compile(plan), std::vector{x, chosen});
  std::map<std::string, Tensor> by_name;
  for (size_t i = 0; i < values.size(); ++i) by_name.emplace(plan.program.outputs[i].name, values[i]);
  std::vector<Tensor> maps;
  for (size_t m = 0; m < spec.methods.size(); ++m)
    maps.push_back(by_name.at("attribution:" + std::to_string(m) + ":0:0"));
  return maps;
}

}  // namespace

std::vector<Tensor> explain_together(Backend& backend, const Graph& graph,
                                     const std::vector<std::string>& methods, const Tensor& x,
                                     const TargetSpec& target, const std::string& convention,
                                     const Runner& run) {
  std::vector<Tensor> maps(methods.size());
  std::vector<MethodSpec> sharing;
  std::vector<size_t> places;
  const std::vector<MethodSpec> resolved = resolve_methods(methods, {}, convention);
  for (size_t m = 0; m < methods.size(); ++m) {
    if (needs_loop(resolved[m])) {
      maps[m] = explain_group(backend, graph, {resolved[m]}, x, target, run)[0];
    } else {
      sharing.push_back(resolved[m]);
      places.push_back(m);
    }
  }
  if (sharing.empty()) return maps;
  std::vector<Tensor> shared = explain_group(backend, graph, std::move(sharing), x, target, run);
  for (size_t i = 0; i < places.size(); ++i) maps[places[i]] = std::move(shared[i]);
  return maps;
}

std::vector<Tensor> explain_all(const Graph& graph, const std::string& method,
                                const std::vector<Tensor>& inputs, int64_t target) {
  const Results results = explain_results(graph, method, inputs, target_index({target}));
  std::vector<Tensor> attributions;
  for (size_t i = 0; i < inputs.size(); ++i)
    attributions.push_back(results.at("attribution:0:0:" + std::to_string(i)));
  return attributions;
}

Tensor explain(const Graph& graph, const std::string& method, const Tensor& x, int64_t target) {
  return explain_all(graph, method, {x}, target)[0];
}

std::map<std::string, int64_t> count_primitives(const Program& program) {
  std::map<std::string, int64_t> counts;
  for (const Step& step : program.steps) ++counts[std::string(name_of(step.primitive))];
  return counts;
}

double difference(const Tensor& a, const std::vector<double>& b) {
  if (a.size() != static_cast<int64_t>(b.size())) return INFINITY;
  return relative_difference(a, Tensor::of<double>(a.shape(), b));
}

double difference(const Tensor& a, const Tensor& b) { return relative_difference(a, b); }

double sum(const Tensor& t) {
  double total = 0;
  for (const double v : t.to_doubles()) total += v;
  return total;
}

Tensor sample(const Tensor& batch, int64_t index) {
  Shape shape = batch.shape();
  const int64_t each = batch.size() / shape[0];
  shape[0] = 1;
  const std::vector<double> all = batch.to_doubles();
  return Tensor::of<double>(shape, {all.begin() + index * each, all.begin() + (index + 1) * each});
}

}  // namespace onnxray::test
