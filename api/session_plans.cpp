#include <cstring>
#include <limits>

#include "api/session_impl.h"
#include "api/wide_graphs.h"
#include "core/find_node.h"
#include "core/machine_memory.h"
#include "core/optimise/optimise.h"
#include "methods/wide.h"

// Session::Impl: how programs are made.

namespace onnxray {

namespace {

/// Whether a plan holds for these inputs: one that depends on their values does for those alone.
bool holds_for(const CompiledPlan& plan, const std::vector<Tensor>& inputs) {
  if (!plan.graph.depends_on_inputs) return true;
  return std::ranges::equal(plan.seen_inputs, inputs, [](const Tensor& a, const Tensor& b) {
    return a.dtype() == b.dtype() && a.shape() == b.shape() &&
           std::memcmp(a.bytes(), b.bytes(), static_cast<size_t>(a.byte_size())) == 0;
  });
}

std::vector<ExplainedNames> names_of(const Graph& graph, const Explained& explained) {
  std::vector<ExplainedNames> all;
  for (const ExplainedInput& input : explained.inputs) {
    ExplainedNames names{graph[input.input].name, input.input, {}};
    for (const ExplainedPart& part : input.parts) {
      if (part.is_rows) names.embeddings.push_back(graph[explained.values[part.value]].name);
    }
    all.push_back(std::move(names));
  }
  return all;
}

}  // namespace

CompiledPlan& Session::Impl::plan_for(const std::vector<Tensor>& inputs, PlanKey key) {
  complete(key, inputs);
  const auto it = std::ranges::find_if(
      plans_, [&](const CompiledPlan& plan) { return plan.key == key && holds_for(plan, inputs); });
  if (it != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, it);
    return plans_.front();
  }
  plans_.push_front(make(inputs, std::move(key)));
  if (plans_.size() > kCachedPlans) plans_.pop_back();
  return plans_.front();
}

Session::Impl::Exportable Session::Impl::exportable(const std::vector<Tensor>& inputs, PlanKey key,
                                                    const std::vector<Tensor>& given,
                                                    const std::vector<TargetSpec>& targets,
                                                    bool with_models_outputs) {
  complete(key, inputs);
  Emitted emitted = emit(inputs, key, 1);  // one step per trip keeps the file small
  if (emitted.graph.depends_on_inputs) {
    const Assumption& seen = emitted.graph.assumptions.back();
    fail(ErrorCode::unsupported,
         "an export must hold for every input, but the data decides what the model computes: {} is {} for "
         "this one",
         seen.what, seen.value);
  }
  const auto sample_axis = emitted.findings.samples.plain_axis(emitted.findings.logits);
  Program& program = emitted.program;
  const std::vector<NamedVar> all = std::exchange(program.outputs, {});
  const size_t models = emitted.graph.outputs.size();
  std::vector<Tensor> operands = given;
  for (const TargetSpec& target : targets) {
    // Behind the model's own outputs, the first result is "logits".
    if (target.form().needs_tensor())
      operands.push_back(target_input(target, program[all[models].var].shape, sample_axis));
  }
  const size_t own = program.inputs.size() - operands.size();
  for (size_t i = 0; i < operands.size(); ++i) program[program.inputs[own + i].var].constant = operands[i];
  program.inputs.resize(own);
  for (size_t i = 0; i < all.size(); ++i) {
    if (i < models ? with_models_outputs : all[i].name.starts_with("attribution:"))
      program.outputs.push_back(all[i]);
  }
  optimise(program, *backend_);
  Exportable result{std::move(program), {}};
  for (const ExplainedInput& explained : emitted.findings.explained.inputs)
    result.explained.push_back(emitted.graph[explained.input].name);
  return result;
}

void Session::Impl::complete(PlanKey& key, const std::vector<Tensor>& inputs) const {
  check_count(inputs);
  const auto& declared = graph().inputs;
  key.shapes = shapes_of(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_bound(declared[i].value)) key.bound[declared[i].value] = inputs[i].to_doubles();
  }
}

std::pair<Graph, OutputChoice> Session::Impl::specialised(Specialisation& special, const PlanKey& key,
                                                          const std::vector<Tensor>& inputs) {
  OutputChoice choice = choose_output(graph(), key.output);
  // Nothing where the graph needs what only the data can say.
  const auto unless_refused = [&](const Graph& model) -> std::optional<Graph> {
    try {
      return specialise(model, special, passes_for(key.methods), ops(), *folder_);
    } catch (const OneSampleOnly&) {
      throw;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      return std::nullopt;
    }
  };
  if (auto whole = unless_refused(choice.graph)) return {std::move(*whole), std::move(choice)};
  if (choice.index) {
    choice = {only_output(std::move(choice.graph), *choice.index), 0};
    if (auto part = unless_refused(choice.graph)) return {std::move(*part), std::move(choice)};
  }
  if (special.samples > 1) throw OneSampleOnly("the data of each sample decides what is computed");
  const Observer observer(ops(), *backend_, inputs);
  special.observer = &observer;
  Graph seen = specialise(choice.graph, special, passes_for(key.methods), ops(), *folder_);
  special.observer = nullptr;
  return {std::move(seen), std::move(choice)};
}

namespace {

/// Before tables of targets are made: an output that leaves no room for them, its gradient and a copy.
void check_outputs(const Graph& graph) {
  const int64_t there = machine_memory(), most = there / 4;
  for (const ValueId id : graph.outputs) {
    const Value& value = graph[id];
    const int64_t bytes = element_count(value.shape.value()) * size_of(value.dtype.value());
    require(
        bytes <= most, ErrorCode::unsupported,
        "the output '{}' {} takes {:.4g} GB, and this process can have {:.4g} GB for all; give it smaller "
        "inputs",
        value.name, to_string(*value.shape), static_cast<double>(bytes) / 1e9,
        static_cast<double>(there) / 1e9);
  }
}

}  // namespace

Emitted Session::Impl::emit(const std::vector<Tensor>& inputs, const PlanKey& key, int64_t most_steps) {
  Specialisation special{key.shapes, {}, 1, {}, backend_->plan_options().real_size == sizeof(float)};
  special.max_growth = model_.data_->imported.max_growth;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_bound(graph().inputs[i].value)) special.bound[graph().inputs[i].value] = inputs[i];
  }
  const FixedBatch batch = fixed_batch(graph(), bound_, key.shapes);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto axis = batch.axes.find(graph().inputs[i].value);
    if (axis != batch.axes.end()) special.input_shapes[i][axis->second] = 1;
  }
  special.samples = batch.samples;
  special.sample_axes = batch.axes;
  Emitted e;
  auto [specialised_graph, choice] = specialised(special, key, inputs);
  e.graph = std::move(specialised_graph);
  check_outputs(e.graph);
  e.spec.methods = key.methods;
  e.spec.targets = key.targets;
  e.spec.attribute = key.attribute;
  e.spec.not_attributed = key.not_attributed;
  e.spec.baselines = key.baselines;
  e.spec.noise = key.noise;
  e.spec.report_layers = key.report_layers;
  e.spec.given_samples = given_samples_;
  for (const auto& [input, axis] : batch.axes) e.spec.exceeding_samples[input] = static_cast<int64_t>(axis);
  if (!key.at.empty()) e.spec.at = find_value(e.graph, key.at);
  if (choice.index) e.spec.output = *choice.index;
  if (!key.methods.empty()) {
    if (!choice.index) e.spec.output = first_explainable(e.graph, e.graph.assumptions);
    e.spec.head = explained_head(e.graph, e.spec.output, key.keep_softmax);
  }
  WideGraphs wide(choice.graph, e.graph, special, passes_for(key.methods), ops(), *folder_, e.spec.head);
  const auto wide_graph = [&](int64_t count, std::span<const ValueId> values) -> const Graph& {
    return wide.graph(count, values);
  };
  e.program = emit_explanation(e.graph, ops(), e.spec, {wide_graph, backend_->plan_options(), most_steps},
                               &e.findings);
  e.steps_per_trip = wide.widest();
  return e;
}

CompiledPlan Session::Impl::make(const std::vector<Tensor>& inputs, const PlanKey& key) {
  int64_t most_steps = std::numeric_limits<int64_t>::max();
  while (true) {
    auto [compiled, steps] = make_with(inputs, key, most_steps);
    if (max_memory_ <= 0 || steps == 1 || planned_bytes(compiled.plan) <= max_memory_)
      return std::move(compiled);
    most_steps = steps / 2;
  }
}

std::pair<CompiledPlan, int64_t> Session::Impl::make_with(const std::vector<Tensor>& inputs, PlanKey key,
                                                          int64_t most_steps) {
  Emitted emitted = emit(inputs, key, most_steps);
  Program& program = emitted.program;
  CompiledPlan compiled;
  compiled.explained = names_of(emitted.graph, emitted.findings.explained);
  compiled.graph = std::move(emitted.graph);
  compiled.spec = std::move(emitted.spec);
  compiled.assumptions = compiled.graph.assumptions;
  for (Assumption& a : emitted.findings.assumptions) assume(compiled.assumptions, std::move(a));
  compiled.samples = std::move(emitted.findings.samples);
  compiled.sample_axis = compiled.samples.plain_axis(emitted.findings.logits);
  optimise(program, *backend_);
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const auto& [name, var] = program.outputs[i];
    const bool is_models = i < compiled.graph.outputs.size();
    compiled.output_names.push_back(is_models ? result_name(name) : name);
    if (!is_models && name == "logits") compiled.logits = program[var].shape;
  }
  if (max_memory_ > 0) compiled.optimised = program;
  compiled.plan = make_plan(std::move(program), backend_->plan_options());
  compiled.key = std::move(key);
  if (compiled.graph.depends_on_inputs) compiled.seen_inputs = inputs;
  return {std::move(compiled), emitted.steps_per_trip};
}

}  // namespace onnxray
