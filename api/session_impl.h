#pragma once

#include <algorithm>
#include <limits>
#include <list>
#include <map>
#include <set>

#include "api/backends.h"
#include "api/fixed_batch.h"
#include "api/model_data.h"
#include "api/wide_graphs.h"
#include "core/cost.h"
#include "core/fail.h"
#include "core/find_node.h"
#include "core/optimise/optimise.h"
#include "core/recompute.h"
#include "methods/explain.h"
#include "methods/wide.h"
#include "onnx/rebatch.h"
#include "onnx/specialise.h"

// What the files of Session share: programs, compiled once for what they were made for.

namespace onnxray {

constexpr size_t kCachedPlans = 16;

/// What one program was made for.
struct PlanKey {
  std::vector<Shape> shapes;
  std::map<ValueId, std::vector<double>> bound;
  std::vector<MethodSpec> methods;
  std::vector<TargetSpec::Kind> targets;
  std::string output, at;
  bool keep_softmax = false;
  std::vector<Shape> baselines, noise;
  bool report_layers = false;
  bool operator==(const PlanKey&) const = default;
};

/// A program ready to run, with the graph that it came from.
struct CompiledPlan {
  PlanKey key;
  Graph graph;
  ExplainSpec spec;
  Program optimised;  ///< what the plan was made of; kept where memory is bounded
  Plan plan;
  std::unique_ptr<Executable> executable;
  std::vector<std::string> output_names;
  Shape logits;
};

/// A program as it was emitted, with the graph that it came from.
struct Emitted {
  Graph graph;
  ExplainSpec spec;
  Program program;
  int64_t steps_per_trip = 1;  ///< of its loops
};

inline size_t find_output(const Graph& graph, const std::string& name) {
  if (name.empty()) return 0;
  std::vector<std::string> known;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    known.push_back(graph[graph.outputs[i]].name);
    if (known.back() == name) return i;
  }
  fail(ErrorCode::usage, "the model has no output '{}'; it has {}", name, fmt::join(known, ", "));
}

inline bool folds_batchnorm(const MethodSpec& method) {
  return method.conventions.batchnorm == Conventions::BatchNorm::fold;
}

/// The key of one of the model's own outputs among results: a model may call it "logits" too.
inline std::string result_name(const std::string& output) { return "output:" + output; }

/// Which methods share a program: those that see the same graph and need no loop of their own.
inline std::vector<std::vector<size_t>> group_methods(const std::vector<MethodSpec>& methods) {
  std::vector<std::vector<size_t>> groups;
  for (size_t m = 0; m < methods.size(); ++m) {
    const auto shares = [&](const std::vector<size_t>& group) {
      const MethodSpec& first = methods[group.front()];
      return !needs_loop(first) && !needs_loop(methods[m]) &&
             folds_batchnorm(first) == folds_batchnorm(methods[m]);
    };
    const auto group = std::ranges::find_if(groups, shares);
    if (group == groups.end())
      groups.push_back({m});
    else
      group->push_back(m);
  }
  return groups;
}

inline PlanKey key_of(const ExplainManyOptions& options, std::vector<MethodSpec> methods,
                      const std::vector<TargetSpec>& targets) {
  PlanKey key;
  key.methods = std::move(methods);
  for (const TargetSpec& target : targets) key.targets.push_back(target.kind);
  key.output = options.output;
  key.at = options.at;
  key.keep_softmax = options.keep_softmax;
  key.report_layers = options.report_layers;
  for (const Tensor& t : options.baselines) key.baselines.push_back(t.shape());
  for (const Tensor& t : options.noise) key.noise.push_back(t.shape());
  return key;
}

inline std::vector<MethodSpec> resolve(const ExplainManyOptions& options) {
  std::vector<MethodSpec> methods = resolve_methods(options.methods, options.parameters, options.convention);
  if (options.input_low.empty() || options.input_high.empty()) return methods;
  for (MethodSpec& method : methods) set_default_bounds(method, {options.input_low, options.input_high});
  return methods;
}

class Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options)
      : model_(std::move(model)),
        max_memory_(options.max_memory),
        backend_(make_backend(options)),
        folder_(make_backend({"reference", "double", 1})),
        bound_(bound_inputs(graph(), ops())) {}

  const Graph& graph() const { return model_.data_->imported.graph; }
  static const OpRegistry& ops() { return OpRegistry::builtin(); }
  Backend& backend() { return *backend_; }

  CompiledPlan& plan_for(const std::vector<Tensor>& inputs, PlanKey key) {
    complete(key, inputs);
    const auto it = std::ranges::find(plans_, key, &CompiledPlan::key);
    if (it != plans_.end()) {
      plans_.splice(plans_.begin(), plans_, it);
      return plans_.front();
    }
    plans_.push_front(make(inputs, std::move(key)));
    if (plans_.size() > kCachedPlans) plans_.pop_back();
    return plans_.front();
  }

  double device_milliseconds = 0;  // of the last run
  std::vector<std::string> notes;  // about the last run
  std::string one_sample_only;     // why no plan takes more than one sample, once that was found

  FixedBatch fixed_batch_of(const std::vector<Tensor>& inputs) const {
    check_count(inputs);
    return fixed_batch(graph(), bound_, shapes_of(inputs));
  }

  int64_t max_memory() const { return max_memory_; }

  /// Of a plan's constants, those that are tensors of the loaded model.
  int64_t bytes_of_model(const Plan& plan) const {
    std::set<const std::byte*> held;
    for (const Value& value : graph().values) {
      if (value.constant) held.insert(value.constant->bytes());
    }
    std::set<const std::byte*> used;
    int64_t bytes = 0;
    for (const Step& step : plan.program.steps) {
      for (const Var v : step.inputs) {
        const auto& constant = plan.program[plan[v].root].constant;
        if (constant && held.contains(constant->bytes()) && used.insert(constant->bytes()).second)
          bytes += constant->byte_size();
      }
    }
    return bytes;
  }

  /// Whether a batch may be explained in groups: the model leaves the first axis of its inputs open, and
  /// every sample's results, and `at`, come of that sample alone.
  bool can_split(const std::vector<Tensor>& inputs, const std::string& at) {
    if (inputs.empty() || inputs.size() != graph().inputs.size() || !bound_.empty()) return false;
    Specialisation all, one;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const InputInfo& declared = graph().inputs[i];
      const Shape& shape = inputs[i].shape();
      if (shape.empty() || shape[0] < 2 || shape[0] != inputs[0].shape()[0]) return false;
      if (declared.has_shape &&
          (declared.extents.empty() || std::holds_alternative<int64_t>(declared.extents[0])))
        return false;
      all.input_shapes.push_back(shape);
      one.input_shapes.push_back(shape);
      one.input_shapes.back()[0] = 1;
    }
    const Graph batch = specialise(graph(), all, {}, ops(), *folder_),
                single = specialise(graph(), one, {}, ops(), *folder_);
    std::vector<ValueId> results = batch.outputs;
    if (!at.empty()) results.push_back(find_value(batch, at));
    return why_not_wide(single, batch, inputs[0].shape()[0], ops(), results).empty();
  }

  /// Milliseconds by step.
  StepTimes profile(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                    const std::vector<Tensor>& given, const std::vector<TargetSpec>& targets) {
    return executable(compiled).profile(operands(compiled, inputs, given, targets));
  }

  /// A program to be written: its further operands are constants, its results attributions and, where asked
  /// for, the model's own.
  struct Exportable {
    Program program;
    std::vector<std::string> explained;  ///< the names of what is attributed to
  };
  Exportable exportable(const std::vector<Tensor>& inputs, PlanKey key, const std::vector<Tensor>& given,
                        const std::vector<TargetSpec>& targets, bool with_models_outputs) {
    complete(key, inputs);
    Emitted emitted = emit(inputs, key, 1);  // one step per trip keeps the file small
    Program& program = emitted.program;
    const std::vector<NamedVar> all = std::exchange(program.outputs, {});
    const size_t models = emitted.graph.outputs.size();
    std::vector<Tensor> operands = given;
    for (const TargetSpec& target : targets) {
      // Behind the model's own outputs, the first result is "logits".
      if (target.kind != TargetSpec::Kind::argmax)
        operands.push_back(target_input(target, program[all[models].var].shape));
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
    for (const ExplainedInput& explained : explained_inputs(emitted.graph, emitted.spec))
      result.explained.push_back(emitted.graph[explained.input].name);
    return result;
  }

  /// Runs a plan; results by name.
  std::map<std::string, Tensor> run(CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                                    const std::vector<Tensor>& given, const std::vector<TargetSpec>& targets,
                                    const std::function<void(int64_t, int64_t)>& progress) {
    if (max_memory_ > 0) fit(compiled);
    std::vector<Tensor> values =
        executable(compiled).run(operands(compiled, inputs, given, targets), progress);
    device_milliseconds = compiled.executable->device_milliseconds();
    std::map<std::string, Tensor> results;
    for (size_t i = 0; i < values.size(); ++i)
      results.emplace(compiled.output_names[i], std::move(values[i]));
    return results;
  }

 private:
  /// Where the plan is over the bound, does without Winograd's large weights, then recomputes in place of
  /// keeping.
  void fit(CompiledPlan& compiled) {
    const PlanOptions options = backend_->plan_options();
    const auto is_over = [&] {
      return bytes_with_packed(compiled.plan) > max_memory_ && !compiled.executable;
    };
    if (is_over()) {
      avoid_winograd(compiled.optimised);
      compiled.plan = make_plan(compiled.optimised, options);
    }
    if (is_over()) {
      const int64_t rest = bytes_with_packed(compiled.plan) - compiled.plan.arena_bytes;
      compiled.plan = make_plan(recompute_to_fit(compiled.optimised, options, max_memory_ - rest), options);
    }
    const int64_t needed = bytes_with_packed(compiled.plan);
    require(needed <= max_memory_, ErrorCode::failed,
            "the plan needs {} bytes, more than the {} of --max-memory, after recomputing what can be; give "
            "at least {}, or smaller inputs",
            needed, max_memory_, needed);
  }

  Executable& executable(CompiledPlan& compiled) {
    if (!compiled.executable) compiled.executable = backend_->compile(compiled.plan);
    return *compiled.executable;
  }

  std::vector<Tensor> operands(const CompiledPlan& compiled, const std::vector<Tensor>& inputs,
                               const std::vector<Tensor>& given,
                               const std::vector<TargetSpec>& targets) const {
    std::vector<Tensor> all;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!is_bound(graph().inputs[i].value)) all.push_back(inputs[i]);
    }
    all.insert(all.end(), given.begin(), given.end());
    for (const TargetSpec& target : targets) {
      if (target.kind != TargetSpec::Kind::argmax) all.push_back(target_input(target, compiled.logits));
    }
    return all;
  }

  /// Methods of one plan agree on this: group_methods sees to it.
  static PassOptions passes_for(const std::vector<MethodSpec>& methods) {
    return {.fold_batchnorm = methods.empty() || folds_batchnorm(methods.front())};
  }

  bool is_bound(ValueId id) const { return std::ranges::find(bound_, id) != bound_.end(); }

  void check_count(const std::vector<Tensor>& inputs) const {
    require(inputs.size() == graph().inputs.size(), ErrorCode::usage,
            "the model has {} inputs, {} were given", graph().inputs.size(), inputs.size());
  }

  static std::vector<Shape> shapes_of(const std::vector<Tensor>& inputs) {
    std::vector<Shape> shapes;
    for (const Tensor& t : inputs) shapes.push_back(t.shape());
    return shapes;
  }

  void complete(PlanKey& key, const std::vector<Tensor>& inputs) const {
    check_count(inputs);
    const auto& declared = graph().inputs;
    key.shapes = shapes_of(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (is_bound(declared[i].value)) key.bound[declared[i].value] = inputs[i].to_doubles();
    }
  }

  /// The graph for these shapes. Where an output needs what cannot be computed, the named one alone may do.
  Graph specialised(const Specialisation& special, const PlanKey& key) {
    try {
      return specialise(graph(), special, passes_for(key.methods), ops(), *folder_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported || key.output.empty()) throw;
    }
    Graph one = graph();
    one.outputs = {one.outputs[find_output(one, key.output)]};
    return specialise(one, special, passes_for(key.methods), ops(), *folder_);
  }

  /// Trips of loops run at most `most_steps` at once.
  Emitted emit(const std::vector<Tensor>& inputs, const PlanKey& key, int64_t most_steps) {
    Specialisation special{key.shapes, {}, 1, {}, backend_->plan_options().real_size == sizeof(float)};
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
    e.graph = specialised(special, key);
    e.spec = {key.methods,
              key.targets,
              find_output(e.graph, key.output),
              key.keep_softmax,
              key.at.empty() ? kNoValue : find_value(e.graph, key.at),
              key.baselines,
              key.noise,
              key.report_layers};
    WideGraphs wide(graph(), e.graph, special, passes_for(key.methods), ops(), *folder_);
    const auto wide_graph = [&](int64_t count, std::span<const ValueId> values) -> const Graph& {
      return wide.graph(count, values);
    };
    e.program = emit_explanation(e.graph, ops(), e.spec, {wide_graph, backend_->plan_options(), most_steps});
    e.steps_per_trip = wide.widest();
    return e;
  }

  /// As many steps of a loop at once as the backend likes and max_memory allows.
  CompiledPlan make(const std::vector<Tensor>& inputs, const PlanKey& key) {
    int64_t most_steps = std::numeric_limits<int64_t>::max();
    while (true) {
      auto [compiled, steps] = make_with(inputs, key, most_steps);
      if (max_memory_ <= 0 || steps == 1 || bytes_with_packed(compiled.plan) <= max_memory_)
        return std::move(compiled);
      most_steps = steps / 2;
    }
  }

  std::pair<CompiledPlan, int64_t> make_with(const std::vector<Tensor>& inputs, PlanKey key,
                                             int64_t most_steps) {
    Emitted emitted = emit(inputs, key, most_steps);
    Program& program = emitted.program;
    CompiledPlan compiled;
    compiled.graph = std::move(emitted.graph);
    compiled.spec = std::move(emitted.spec);
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
    return {std::move(compiled), emitted.steps_per_trip};
  }

  Model model_;
  int64_t max_memory_ = 0;
  std::unique_ptr<Backend> backend_, folder_;
  std::vector<ValueId> bound_;
  std::list<CompiledPlan> plans_;  // the last used first
};

}  // namespace onnxray
