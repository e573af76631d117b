#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <list>
#include <numeric>
#include <utility>

#include "api/backends.h"
#include "api/model_data.h"
#include "core/cost.h"
#include "core/fail.h"
#include "core/find_node.h"
#include "core/optimise/optimise.h"
#include "methods/explain.h"
#include "onnx/export/export.h"
#include "onnx/specialise.h"

namespace onnxray {

namespace {

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
};

size_t find_output(const Graph& graph, const std::string& name) {
  if (name.empty()) return 0;
  std::vector<std::string> known;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    known.push_back(graph[graph.outputs[i]].name);
    if (known.back() == name) return i;
  }
  fail(ErrorCode::usage, "the model has no output '{}'; it has {}", name, fmt::join(known, ", "));
}

void check_input(const Graph& graph, const InputInfo& input, const Tensor& tensor) {
  if (!input.has_shape) return;
  const std::string& name = graph[input.value].name;
  const auto text = [&] {
    std::string all;
    for (const auto& extent : input.extents) {
      all += all.empty() ? "" : ",";
      all += std::holds_alternative<int64_t>(extent) ? std::to_string(std::get<int64_t>(extent))
                                                     : std::get<std::string>(extent);
    }
    return all;
  };
  bool fits = tensor.shape().size() == input.extents.size();
  for (size_t i = 0; fits && i < input.extents.size(); ++i) {
    const auto* extent = std::get_if<int64_t>(&input.extents[i]);
    fits = !extent || *extent == tensor.shape()[i];
  }
  require(fits, ErrorCode::usage, "input '{}' has shape {}, the model wants [{}]", name,
          to_string(tensor.shape()), text());
}

bool folds_batchnorm(const MethodSpec& method) {
  return method.conventions.batchnorm == Conventions::BatchNorm::fold;
}

/// The key of one of the model's own outputs among results: a model may call it "logits" too.
std::string result_name(const std::string& output) { return "output:" + output; }

/// Which methods share a program: those that see the same graph and need no loop of their own.
std::vector<std::vector<size_t>> group_methods(const std::vector<MethodSpec>& methods) {
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

}  // namespace

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

  int64_t max_memory() const { return max_memory_; }

  /// Plans of an input's shape depend on its first axis alone if the model leaves that axis open.
  bool can_split(const std::vector<Tensor>& inputs) const {
    if (inputs.empty() || inputs.size() != graph().inputs.size() || !bound_.empty()) return false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const InputInfo& declared = graph().inputs[i];
      if (inputs[i].shape().empty() || inputs[i].shape()[0] != inputs[0].shape()[0]) return false;
      if (declared.has_shape &&
          (declared.extents.empty() || std::holds_alternative<int64_t>(declared.extents[0])))
        return false;
    }
    return true;
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
    Emitted emitted = emit(inputs, key);
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
    const int64_t needed = max_memory_ > 0 ? bytes_at_most(compiled.plan) : 0;
    require(needed <= max_memory_, ErrorCode::failed,
            "the plan needs {} bytes, more than the {} of --max-memory; give at least {}, or smaller inputs",
            needed, max_memory_, needed);
    std::vector<Tensor> values =
        executable(compiled).run(operands(compiled, inputs, given, targets), progress);
    device_milliseconds = compiled.executable->device_milliseconds();
    std::map<std::string, Tensor> results;
    for (size_t i = 0; i < values.size(); ++i)
      results.emplace(compiled.output_names[i], std::move(values[i]));
    return results;
  }

 private:
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

  void complete(PlanKey& key, const std::vector<Tensor>& inputs) const {
    const auto& declared = graph().inputs;
    require(inputs.size() == declared.size(), ErrorCode::usage, "the model has {} inputs, {} were given",
            declared.size(), inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      check_input(graph(), declared[i], inputs[i]);
      key.shapes.push_back(inputs[i].shape());
      if (is_bound(declared[i].value)) key.bound[declared[i].value] = inputs[i].to_doubles();
    }
  }

  Emitted emit(const std::vector<Tensor>& inputs, const PlanKey& key) {
    Specialisation special{key.shapes, {}};
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (is_bound(graph().inputs[i].value)) special.bound[graph().inputs[i].value] = inputs[i];
    }
    Emitted e;
    e.graph = specialise(graph(), special, passes_for(key.methods), ops(), *folder_);
    e.spec = {key.methods,
              key.targets,
              find_output(e.graph, key.output),
              key.keep_softmax,
              key.at.empty() ? kNoValue : find_value(e.graph, key.at),
              key.baselines,
              key.noise,
              key.report_layers};
    e.program = emit_explanation(e.graph, ops(), e.spec);
    return e;
  }

  CompiledPlan make(const std::vector<Tensor>& inputs, PlanKey key) {
    Emitted emitted = emit(inputs, key);
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
    compiled.plan = make_plan(std::move(program), backend_->plan_options());
    compiled.key = std::move(key);
    return compiled;
  }

  Model model_;
  int64_t max_memory_ = 0;
  std::unique_ptr<Backend> backend_, folder_;
  std::vector<ValueId> bound_;
  std::list<CompiledPlan> plans_;  // the last used first
};

Session::Session(Model model, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::string Session::backend_description() const {
  return fmt::format("{}: {}", impl_->backend().name(), impl_->backend().description());
}

std::vector<NamedTensor> Session::run(const std::vector<Tensor>& inputs) {
  CompiledPlan& compiled = impl_->plan_for(inputs, {});
  auto results = impl_->run(compiled, inputs, {}, {}, on_progress);
  std::vector<NamedTensor> outputs;
  for (const ValueId id : compiled.graph.outputs) {
    const std::string& name = compiled.graph[id].name;
    outputs.push_back({name, results.at(result_name(name))});
  }
  return outputs;
}

namespace {

PlanKey key_of(const ExplainManyOptions& options, std::vector<MethodSpec> methods,
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

std::vector<double> sums_per_sample(const Tensor& values) {
  const int64_t samples = values.shape().empty() ? 1 : values.shape()[0];
  const int64_t each = samples > 0 ? values.size() / samples : 0;
  std::vector<double> sums(static_cast<size_t>(samples), 0.0);
  const auto add_up = [&](auto element) {
    for (int64_t s = 0; s < samples; ++s) {
      // Independent partial sums: one would wait for every addition.
      std::array<double, 8> partial{};
      const int64_t first = s * each, lanes = std::ssize(partial), whole = each / lanes * lanes;
      for (int64_t i = 0; i < whole; i += lanes) {
        for (int64_t j = 0; j < lanes; ++j) partial[static_cast<size_t>(j)] += element(first + i + j);
      }
      for (int64_t i = whole; i < each; ++i) partial[0] += element(first + i);
      sums[static_cast<size_t>(s)] = std::accumulate(partial.begin(), partial.end(), 0.0);
    }
  };
  // A large batch has tens of millions of entries: the type is looked up once.
  if (values.dtype() == DType::f32)
    add_up([data = values.data<float>()](int64_t i) { return double{data[static_cast<size_t>(i)]}; });
  else
    add_up([&](int64_t i) { return values.as_double(i); });
  return sums;
}

/// What every program of an explanation computes besides its attributions.
void read_shared_results(std::map<std::string, Tensor>& results, const Graph& graph, size_t targets,
                         Explanations& explanations) {
  for (const ValueId id : graph.outputs)
    explanations.outputs.push_back({graph[id].name, results.at(result_name(graph[id].name))});
  explanations.logits = results.at("logits");
  for (size_t k = 0; k < targets; ++k) {
    ExplainedTarget target;
    if (const auto it = results.find(fmt::format("index:{}", k)); it != results.end())
      target.indices = it->second.to_int64s();
    target.scores = results.at(fmt::format("score:{}", k)).to_doubles();
    explanations.targets.push_back(std::move(target));
  }
}

/// The layer reports of one method and target, whose results end in `suffix`; none for methods without rules.
std::vector<LayerRelevance> read_layers(const std::map<std::string, Tensor>& results, const Graph& graph,
                                        const MethodSpec& method, const std::string& suffix) {
  std::vector<LayerRelevance> layers;
  if (method.name.family != MethodName::Family::lrp) return layers;
  const RuleAssignment rules(graph, OpRegistry::builtin(), lrp_composite(method), method.conventions);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const auto it = results.find(fmt::format("layer.{}{}", n, suffix));
    if (it == results.end()) continue;
    const Node& node = graph.nodes[n];
    LayerRelevance layer{node.origin.names.empty() ? "" : node.origin.names[0], node.op,
                         rules.name_of(static_cast<int32_t>(n)), it->second.as_double(0),
                         it->second.as_int64(1)};
    const auto entry = [&](std::string_view name) {
      const auto found = results.find(fmt::format("layer.{}.{}{}", n, name, suffix));
      return found == results.end() ? std::optional<double>() : found->second.as_double(0);
    };
    layer.sent = entry("sent");
    layer.to_bias = entry("bias").value_or(0);
    layer.to_stabiliser = entry("stabiliser").value_or(0);
    if (const auto smallest = entry("smallest"); smallest && std::isfinite(*smallest))
      layer.smallest_denominator = smallest;
    layer.crossings = static_cast<int64_t>(entry("crossings").value_or(0));
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<std::string> names;
  for (const ValueId id : values) names.push_back(graph[id].name);
  return names;
}

}  // namespace

namespace {

std::vector<MethodSpec> resolve(const ExplainManyOptions& options) {
  std::vector<MethodSpec> methods = resolve_methods(options.methods, options.parameters, options.convention);
  if (options.input_low.empty() || options.input_high.empty()) return methods;
  for (MethodSpec& method : methods) set_default_bounds(method, {options.input_low, options.input_high});
  return methods;
}

}  // namespace

std::vector<TargetSpec> Session::specs_of(const std::vector<Target>& targets) {
  std::vector<TargetSpec> specs;
  for (const Target& t : targets)
    specs.push_back({static_cast<TargetSpec::Kind>(t.kind_), t.indices_, t.tuple_, t.mask_});
  return specs;
}

namespace {

/// Samples [first, first + count) of t.
Tensor samples_of(const Tensor& t, int64_t first, int64_t count) {
  Shape shape = t.shape();
  const int64_t each = t.byte_size() / shape[0];
  shape[0] = count;
  const auto owner = std::make_shared<const Tensor>(t);
  return {t.dtype(), shape, owner, owner->bytes() + first * each};
}

/// `all` followed by `more` along the first axis.
Tensor joined(const Tensor& all, const Tensor& more) {
  Shape shape = all.shape();
  shape[0] += more.shape()[0];
  Tensor both(all.dtype(), shape);
  std::memcpy(both.mutable_bytes(), all.bytes(), static_cast<size_t>(all.byte_size()));
  std::memcpy(both.mutable_bytes() + all.byte_size(), more.bytes(), static_cast<size_t>(more.byte_size()));
  return both;
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

void append(Explanations& all, const Explanations& more) {
  for (size_t i = 0; i < all.outputs.size(); ++i)
    all.outputs[i].tensor = joined(all.outputs[i].tensor, more.outputs[i].tensor);
  all.logits = joined(all.logits, more.logits);
  for (size_t k = 0; k < all.targets.size(); ++k) {
    append(all.targets[k].indices, more.targets[k].indices);
    append(all.targets[k].scores, more.targets[k].scores);
  }
  for (size_t a = 0; a < all.attributions.size(); ++a) {
    all.attributions[a].values = joined(all.attributions[a].values, more.attributions[a].values);
    append(all.attributions[a].sums, more.attributions[a].sums);
    append(all.attributions[a].completeness_gap, more.attributions[a].completeness_gap);
  }
}

bool is_per_sample(const Explanations& e, int64_t samples) {
  const auto fits = [&](const Tensor& t) { return !t.shape().empty() && t.shape()[0] == samples; };
  return fits(e.logits) && std::ranges::all_of(e.outputs, fits, &NamedTensor::tensor) &&
         std::ranges::all_of(e.attributions, fits, &Attribution::values);
}

}  // namespace

int64_t Session::bytes_needed(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const std::vector<TargetSpec> targets = specs_of(options.targets);
  const std::vector<MethodSpec> methods = resolve(options);
  int64_t most = 0;
  for (const std::vector<size_t>& group : group_methods(methods)) {
    std::vector<MethodSpec> chosen;
    for (const size_t m : group) chosen.push_back(methods[m]);
    most = std::max(most, bytes_at_most(impl_->plan_for(inputs, key_of(options, chosen, targets)).plan));
  }
  return most;
}

Explanations Session::explain_many(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const int64_t bound = impl_->max_memory();
  if (bound <= 0 || options.methods.empty() || options.targets.empty() ||
      bytes_needed(inputs, options) <= bound)
    return explain_group(inputs, options);
  // Statistics over the batch, and tensors given for all of it, keep it together.
  bool splits = impl_->can_split(inputs) && options.baselines.empty() && options.noise.empty() &&
                !options.report_layers;
  for (const Target& t : options.targets) splits = splits && t.kind_ != Target::Kind::mask;
  for (const MethodSpec& m : resolve(options))
    splits = splits && m.conventions.std_x == Conventions::StdX::per_sample;
  const int64_t samples = inputs.empty() || inputs[0].shape().empty() ? 1 : inputs[0].shape()[0];
  if (!splits || samples < 2) return explain_group(inputs, options);
  int64_t most = samples;
  const auto first = [&](int64_t count) {
    std::vector<Tensor> some;
    for (const Tensor& t : inputs) some.push_back(samples_of(t, 0, count));
    return some;
  };
  while (most > 1 && bytes_needed(first(most), options) > bound) most = (most + 1) / 2;
  return explain_in_groups(inputs, options, samples, most);
}

Explanations Session::explain_in_groups(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                        int64_t samples, int64_t most) {
  Explanations all;
  for (int64_t at = 0; at < samples; at += most) {
    const int64_t count = std::min(most, samples - at);
    std::vector<Tensor> some;
    for (const Tensor& t : inputs) some.push_back(samples_of(t, at, count));
    ExplainManyOptions now = options;
    for (Target& t : now.targets) {
      const auto given = static_cast<int64_t>(t.indices_.size());
      require(given <= 1 || given == samples, ErrorCode::usage,
              "{} targets for a batch of {}: give one, or one per sample", given, samples);
      if (given > 1) t.indices_ = {t.indices_.begin() + at, t.indices_.begin() + at + count};
    }
    Explanations part = explain_group(some, now);
    require(
        is_per_sample(part, count), ErrorCode::failed,
        "the batch does not fit --max-memory and cannot be split: not every result has the samples first; "
        "whole, it needs {} bytes",
        bytes_needed(inputs, options));
    at == 0 ? void(all = std::move(part)) : append(all, part);
  }
  return all;
}

Explanations Session::explain_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  require(!options.methods.empty() && !options.targets.empty(), ErrorCode::usage,
          "explain needs a method and a target");
  const std::vector<TargetSpec> targets = specs_of(options.targets);
  const std::vector<MethodSpec> methods = resolve(options);

  std::vector<Tensor> given = options.baselines;
  given.insert(given.end(), options.noise.begin(), options.noise.end());

  Explanations explanations;
  std::map<std::pair<size_t, size_t>, std::vector<Attribution>> found;  // by target, method
  for (const std::vector<size_t>& group : group_methods(methods)) {
    std::vector<MethodSpec> chosen;
    for (const size_t m : group) chosen.push_back(methods[m]);
    CompiledPlan& compiled = impl_->plan_for(inputs, key_of(options, chosen, targets));
    auto results = impl_->run(compiled, inputs, given, targets, on_progress);
    if (explanations.targets.empty())
      read_shared_results(results, compiled.graph, targets.size(), explanations);
    const std::vector<ExplainedInput> explained = explained_inputs(compiled.graph, compiled.spec);
    for (size_t k = 0; k < targets.size(); ++k) {
      for (size_t g = 0; g < group.size(); ++g) {
        std::vector<LayerRelevance> layers;
        if (options.report_layers)
          layers = read_layers(results, compiled.graph, methods[group[g]], fmt::format(":{}:{}", g, k));
        for (size_t i = 0; i < explained.size(); ++i) {
          Tensor& values = results.at(fmt::format("attribution:{}:{}:{}", g, k, i));
          Attribution a{methods[group[g]].text, k, compiled.graph[explained[i].input].name, values,
                        sums_per_sample(values)};
          if (explained[i].tokens) a.embeddings = names_of(compiled.graph, explained[i].values);
          if (const auto gap = results.find(fmt::format("gap:{}:{}", g, k)); gap != results.end())
            a.completeness_gap = gap->second.to_doubles();
          a.layers = layers;
          found[{k, group[g]}].push_back(std::move(a));
        }
      }
    }
  }
  for (auto& [unused, attributions] : found) {
    for (Attribution& a : attributions) explanations.attributions.push_back(std::move(a));
  }
  return explanations;
}

double Session::device_milliseconds() const { return impl_->device_milliseconds; }

std::vector<std::pair<std::string, double>> Session::profile(const std::vector<Tensor>& inputs,
                                                             const ExplainManyOptions& options) {
  if (options.methods.empty()) return impl_->profile(impl_->plan_for(inputs, {}), inputs, {}, {});
  const std::vector<TargetSpec> targets = specs_of(options.targets);
  std::vector<MethodSpec> methods = resolve(options);
  methods.resize(1);
  return impl_->profile(impl_->plan_for(inputs, key_of(options, methods, targets)), inputs, {}, targets);
}

namespace {

/// "attribution:METHOD:TARGET:INPUT" -> its numbers; nothing for other results.
std::optional<std::array<size_t, 3>> attribution_indices(const std::string& result) {
  std::array<size_t, 3> at{};
  if (std::sscanf(result.c_str(), "attribution:%zu:%zu:%zu", &at[0], &at[1], &at[2]) != 3)
    return std::nullopt;
  return at;
}

/// Names of written outputs: unique, whatever the model calls its own.
std::string unused(std::string name, std::vector<std::string>& taken) {
  while (std::ranges::find(taken, name) != taken.end()) name += "_";
  taken.push_back(name);
  return name;
}

}  // namespace

std::string Session::export_onnx(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  require(!options.methods.empty() && !options.targets.empty(), ErrorCode::usage,
          "an export needs a method and a target");
  const std::vector<TargetSpec> targets = specs_of(options.targets);
  const std::vector<MethodSpec> methods = resolve(options);
  std::vector<Tensor> given = options.baselines;
  given.insert(given.end(), options.noise.begin(), options.noise.end());
  ExplainManyOptions plain = options;
  plain.report_layers = false;

  ModelExporter exporter;
  std::vector<std::string> taken;
  for (const InputInfo& input : impl_->graph().inputs) taken.push_back(impl_->graph()[input.value].name);
  bool is_first = true;
  for (const std::vector<size_t>& group : group_methods(methods)) {
    std::vector<MethodSpec> chosen;
    for (const size_t m : group) chosen.push_back(methods[m]);
    const PlanKey key = key_of(plain, chosen, targets);
    const auto found = impl_->exportable(inputs, key, given, targets, is_first);
    std::vector<ModelExporter::Output> outputs;
    for (const auto& [result, var] : found.program.outputs) {
      std::string name = result;
      if (const auto at = attribution_indices(result)) {
        const size_t count = found.explained.size();
        name = methods[group[(*at)[0]]].text;
        if (targets.size() > 1) name += fmt::format("@{}", (*at)[1]);
        if (count > 1) name += ":" + found.explained[(*at)[2]];
        if (methods.size() * targets.size() * count == 1) name = "attribution";
      }
      outputs.push_back({unused(std::move(name), taken), var});
    }
    exporter.add(found.program, outputs);
    is_first = false;
  }
  return exporter.serialise(
      fmt::format("the model, and its explanation by {}", fmt::join(options.methods, ", ")));
}

Explanation Session::explain(const Tensor& input, const ExplainOptions& options) {
  Explanations all = explain_many({input}, {{options.method},
                                            {options.target},
                                            options.convention,
                                            options.parameters,
                                            options.output,
                                            options.keep_softmax,
                                            options.at});
  require(!all.attributions.empty(), ErrorCode::unsupported,
          "the model has no floating-point input to attribute to, and no input of integers that choose "
          "embeddings");
  size_t which = 0;
  for (size_t i = 0; i < all.outputs.size(); ++i) {
    if (all.outputs[i].name == options.output) which = i;
  }
  return {all.attributions[0].values, all.outputs[which].tensor, all.targets[0]};
}

Inspection Session::inspect(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  std::vector<TargetSpec> targets(options.methods.empty() ? 0 : 1);
  std::vector<MethodSpec> methods;
  const std::vector<MethodSpec> all = resolve(options);
  // Methods that run in programs of their own are inspected one by one.
  if (!all.empty()) {
    const std::vector<std::vector<size_t>> groups = group_methods(all);
    for (const size_t m : groups.front()) methods.push_back(all[m]);
  }
  CompiledPlan& compiled = impl_->plan_for(inputs, key_of(options, methods, targets));
  Inspection inspection;
  inspection.graph = compiled.graph.to_text();
  inspection.program = compiled.plan.program.to_text();
  inspection.arena_bytes = compiled.plan.arena_bytes;
  const Cost cost = cost_of(compiled.plan);
  inspection.flops = cost.flops;
  inspection.bytes = cost.bytes;
  inspection.planned_bytes = memory_of(compiled.plan).total();
  for (const Step& step : compiled.plan.program.steps)
    ++inspection.primitives[std::string(name_of(step.primitive))];
  std::optional<RuleAssignment> rules;
  if (!methods.empty() && methods[0].name.family == MethodName::Family::lrp) {
    rules.emplace(compiled.graph, Impl::ops(), lrp_composite(methods[0]), methods[0].conventions);
  }
  for (size_t n = 0; n < compiled.graph.nodes.size(); ++n) {
    const Node& node = compiled.graph.nodes[n];
    const Value& value = compiled.graph[node.outputs[0]];
    inspection.nodes.push_back({node.origin.names.empty() ? "" : node.origin.names[0], node.op, value.name,
                                rules ? rules->name_of(static_cast<int32_t>(n)) : "",
                                value.shape.value_or(Shape{}), node.origin.names});
  }
  return inspection;
}

}  // namespace onnxray
