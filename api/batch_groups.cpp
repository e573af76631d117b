#include "core/batch_groups.h"

#include "api/joined_results.h"
#include "api/session_impl.h"
#include "methods/wide.h"

// Session: a batch in groups of samples, few enough at once for the cache and the memory.

namespace onnxray {

namespace {

/// Statistics over the batch, and tensors given for all of it, keep it together.
bool keeps_together(const ExplainManyOptions& options) {
  const auto over_batch = [](const MethodSpec& m) {
    return m.conventions.std_x != Conventions::StdX::per_sample;
  };
  return !options.baselines.empty() || !options.noise.empty() || options.report_layers ||
         std::ranges::any_of(resolve(options), over_batch);
}

bool has_samples(const Tensor& t, size_t axis, int64_t samples) {
  return axis < t.shape().size() && t.shape()[axis] == samples;
}

/// The axes that explanations of a group are joined along, where each result has one.
std::optional<JoinAxes> join_axes(const Explanations& e, const BatchAxes& axes, int64_t samples) {
  JoinAxes join{axes.outputs, {}, axes.logits};
  bool fits = has_samples(e.logits, axes.logits, samples);
  for (size_t i = 0; i < e.outputs.size(); ++i)
    fits = fits && has_samples(e.outputs[i].tensor, axes.outputs[i], samples);
  for (const Attribution& a : e.attributions) {
    join.attributions.push_back(axes.explained.at(a.input));
    fits = fits && has_samples(a.values, join.attributions.back(), samples);
  }
  return fits ? std::optional(join) : std::nullopt;
}

}  // namespace

std::vector<PlanKey> Session::keys_of(const ExplainManyOptions& options) {
  if (options.methods.empty()) return {key_of_run(options.output)};
  const std::vector<MethodSpec> methods = resolve(options);
  std::vector<PlanKey> keys;
  for (const std::vector<size_t>& group : group_methods(methods)) {
    std::vector<MethodSpec> chosen;
    for (const size_t m : group) chosen.push_back(methods[m]);
    keys.push_back(key_of(options, chosen, specs_of(options.targets)));
  }
  return keys;
}

int64_t Session::bytes_needed(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  int64_t most = 0;
  for (const PlanKey& key : keys_of(options))
    most = std::max(most, planned_bytes(impl_->plan_for(inputs, key).plan));
  return most;
}

BatchGroups Session::groups_of(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const bool masked = std::ranges::any_of(
      options.targets, [](const Target& t) { return t.kind_ == Target::Kind::mask && t.ranges_.empty(); });
  if (inputs.empty() || masked || keeps_together(options)) return {};
  BatchGroups batch;
  for (const PlanKey& key : keys_of(options)) {
    const BatchGroups& groups = impl_->groups_for(inputs, key);
    if (!groups.axes) continue;
    batch.at_once = batch.axes ? std::min(batch.at_once, groups.at_once) : groups.at_once;
    batch.samples = groups.samples;
    batch.axes = groups.axes;
  }
  const auto is_over = [&] {
    const std::vector<Tensor> first = samples_of(inputs, batch.axes->inputs, 0, batch.at_once);
    return bytes_needed(first, options) > impl_->max_memory();
  };
  while (impl_->max_memory() > 0 && batch.at_once > 1 && is_over()) batch.at_once = (batch.at_once + 1) / 2;
  return batch.at_once < batch.samples ? batch : BatchGroups{};
}

Session::Group Session::first_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const BatchGroups batch = groups_of(inputs, options);
  if (!batch.axes) return {inputs};
  return {samples_of(inputs, batch.axes->inputs, 0, batch.at_once), batch.at_once,
          static_cast<double>(batch.samples) / static_cast<double>(batch.at_once)};
}

std::vector<NamedTensor> Session::run_batch(const std::vector<Tensor>& inputs, const std::string& output) {
  const BatchGroups batch = groups_of(inputs, {.output = output});
  if (!batch.axes) return run_group(inputs, output);
  std::vector<std::vector<NamedTensor>> parts;
  for (int64_t at = 0; at < batch.samples; at += batch.at_once) {
    const int64_t count = std::min(batch.at_once, batch.samples - at);
    parts.push_back(run_group(samples_of(inputs, batch.axes->inputs, at, count), output));
  }
  std::vector<size_t> axes;
  for (const NamedTensor& one : parts[0]) axes.push_back(batch.axes->explained.at(one.name));
  return joined(parts, axes);
}

Explanations Session::explain_batch(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  require(!options.methods.empty() && !options.targets.empty(), ErrorCode::usage,
          "explain needs a method and a target");
  const BatchGroups batch = groups_of(inputs, options);
  return batch.axes ? explain_in_groups(inputs, options, batch) : explain_group(inputs, options, on_progress);
}

Explanations Session::explain_in_groups(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                        const BatchGroups& batch) {
  const int64_t samples = batch.samples;
  std::vector<Explanations> parts;
  std::optional<JoinAxes> axes;
  for (int64_t at = 0; at < samples; at += batch.at_once) {
    const int64_t count = std::min(batch.at_once, samples - at);
    ExplainManyOptions now = options;
    for (Target& t : now.targets) {
      const auto given = static_cast<int64_t>(t.indices_.size());
      require(given <= 1 || given == samples, ErrorCode::usage,
              "{} targets for a batch of {}: give one, or one per sample", given, samples);
      if (given > 1) t.indices_ = {t.indices_.begin() + at, t.indices_.begin() + at + count};
    }
    const auto progress = [&](int64_t done, int64_t total) {
      if (on_progress) on_progress(at * total + count * done, samples * total);
    };
    parts.push_back(explain_group(samples_of(inputs, batch.axes->inputs, at, count), now, progress));
    axes = join_axes(parts.back(), *batch.axes, count);
    if (!axes) return explain_group(inputs, options, on_progress);
  }
  return joined(parts, *axes);
}

const BatchGroups& Session::Impl::groups_for(const std::vector<Tensor>& inputs, PlanKey key) {
  complete(key, inputs);
  const auto known = std::ranges::find(groups_, key, &BatchGroups::key);
  if (known != groups_.end()) return *known;
  const CompiledPlan& whole = plan_for(inputs, key);
  BatchGroups group{std::move(key), whole.samples.count, whole.samples.count, {}};
  if (group.samples > 1) {
    const int64_t wanted = given_group_ > 0 ? std::min(group.samples, given_group_)
                                            : samples_per_group(whole.plan, group.samples);
    const bool is_over = max_memory_ > 0 && planned_bytes(whole.plan) > max_memory_;
    if (wanted < group.samples || is_over) group.axes = batch_axes(inputs, whole);
    if (group.axes) group.at_once = wanted;
  }
  if (group.at_once < group.samples) plans_.pop_front();  // the whole batch's, which will not run
  groups_.push_front(std::move(group));
  if (groups_.size() > 4 * kCachedPlans) groups_.pop_back();
  return groups_.front();
}

std::optional<BatchAxes> Session::Impl::batch_axes(const std::vector<Tensor>& inputs,
                                                   const CompiledPlan& compiled) {
  if (inputs.size() != graph().inputs.size() || !bound_.empty()) return {};
  const Samples& samples = compiled.samples;
  Specialisation all, one;
  all.max_growth = one.max_growth = model_.data_->imported.max_growth;
  BatchAxes axes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const InputInfo& declared = graph().inputs[i];
    const auto axis = samples.plain_axis(declared.value);
    if (!axis) return {};
    const auto at = static_cast<size_t>(*axis);
    const bool is_open = !declared.has_shape || (at < declared.extents.size() &&
                                                 !std::holds_alternative<int64_t>(declared.extents[at]));
    if (!is_open) return {};
    all.input_shapes.push_back(inputs[i].shape());
    one.input_shapes.push_back(inputs[i].shape());
    one.input_shapes.back()[at] = 1;
    axes.inputs.push_back(at);
    axes.explained[graph()[declared.value].name] = at;
  }
  std::vector<ValueId> results = compiled.graph.outputs;
  if (compiled.spec.at != kNoValue) results.push_back(compiled.spec.at);
  for (const ValueId id : results) {
    const auto axis = samples.plain_axis(id);
    if (!axis) return {};
    axes.explained[compiled.graph[id].name] = static_cast<size_t>(*axis);
    if (id != compiled.spec.at) axes.outputs.push_back(static_cast<size_t>(*axis));
  }
  axes.logits = static_cast<size_t>(compiled.sample_axis.value_or(0));
  try {
    const Graph model = choose_output(graph(), compiled.key.output).graph;
    const Graph batch = specialise(model, all, {}, ops(), *folder_),
                single = specialise(model, one, {}, ops(), *folder_);
    const bool apart = why_not_wide(single, batch, samples.count, ops(), results, samples).empty();
    return apart ? std::optional(axes) : std::nullopt;
  } catch (const Error&) {  // some shapes of the model are made for the whole batch
    return {};
  }
}

}  // namespace onnxray
