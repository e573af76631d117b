#include <array>
#include <cstdio>

#include "api/session_impl.h"
#include "onnx/export/export.h"
#include "onnx/rebatch.h"

namespace onnxray {

Session::Session(Model model, const SessionOptions& options)
    : impl_(guarded([&] { return std::make_unique<Impl>(std::move(model), options); })) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::string Session::backend_description() const {
  return fmt::format("{}: {}", impl_->backend().name(), impl_->backend().description());
}

std::vector<NamedTensor> Session::run(const std::vector<Tensor>& inputs, const std::string& output) {
  return impl_->in_turn([&] { return run_samples(inputs, output); });
}

std::vector<NamedTensor> Session::run_samples(const std::vector<Tensor>& inputs, const std::string& output) {
  impl_->notes.clear();
  const FixedBatch batch = impl_->fixed_batch_of(inputs);
  if (!batch) return run_batch(inputs, output);
  if (impl_->one_sample_only.empty()) {
    try {
      return run_batch(inputs, output);
    } catch (const OneSampleOnly& why) {
      impl_->one_sample_only = why.what();
    }
  }
  return run_one_by_one(inputs, output, batch);
}

std::vector<std::string> Session::notes() const { return impl_->notes; }

std::vector<NamedTensor> Session::run_group(const std::vector<Tensor>& inputs, const std::string& output) {
  CompiledPlan& compiled = impl_->plan_for(inputs, key_of_run(output));
  auto results = impl_->run(compiled, inputs, {}, {}, on_progress);
  std::vector<ValueId> wanted = compiled.graph.outputs;
  if (!output.empty()) wanted = {wanted[compiled.spec.output]};
  std::vector<NamedTensor> outputs;
  for (const ValueId id : wanted) {
    const std::string& name = compiled.graph[id].name;
    outputs.push_back({name, results.at(result_name(name))});
  }
  return outputs;
}

double Session::device_milliseconds() const { return impl_->device_milliseconds; }

StepTimes Session::profile(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  return impl_->in_turn([&] {
    const Group group = first_group(inputs, options);
    if (options.methods.empty())
      return impl_->profile(impl_->plan_for(group.inputs, key_of_run(options.output)), group.inputs, {}, {});
    const std::vector<TargetSpec> targets = specs_of(options.targets);
    std::vector<MethodSpec> methods = resolve(options);
    methods.resize(1);
    return impl_->profile(impl_->plan_for(group.inputs, key_of(options, methods, targets)), group.inputs, {},
                          targets);
  });
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
  return impl_->in_turn([&] {
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
  });
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
    if (all.outputs[i].name == all.explained.name) which = i;
  }
  return {all.attributions[0].values, all.outputs[which].tensor, all.targets[0]};
}

Inspection Session::inspect(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  return impl_->in_turn([&] {
    const std::vector<TargetSpec> targets =
        options.methods.empty() ? std::vector<TargetSpec>{} : specs_of(options.targets);
    std::vector<MethodSpec> methods;
    const std::vector<MethodSpec> all = resolve(options);
    // Methods that run in programs of their own are inspected one by one.
    if (!all.empty()) {
      const std::vector<std::vector<size_t>> groups = group_methods(all);
      for (const size_t m : groups.front()) methods.push_back(all[m]);
    }
    const Group group = first_group(inputs, options);
    CompiledPlan& compiled = impl_->plan_for(group.inputs, key_of(options, methods, targets));
    Inspection inspection;
    inspection.samples_at_once = group.samples > 0 ? group.samples : compiled.samples.count;
    inspection.assumptions = compiled.assumptions;
    inspection.graph = compiled.graph.to_text();
    inspection.program = compiled.plan.program.to_text();
    inspection.arena_bytes = compiled.plan.arena_bytes;
    const Cost cost = cost_of(compiled.plan);
    inspection.flops = cost.flops * group.share;
    inspection.bytes = cost.bytes * group.share;
    // Groups keep their results until they are put together, beside the last one's in the plan.
    const double kept = group.share > 1 ? 2 * group.share - 1 : 0;
    inspection.planned_bytes =
        planned_bytes(compiled.plan) +
        static_cast<int64_t>(kept * static_cast<double>(memory_of(compiled.plan).outputs));
    inspection.model_bytes = impl_->bytes_of_model(compiled.plan);
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
  });
}

}  // namespace onnxray
