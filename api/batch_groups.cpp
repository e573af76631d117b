#include "core/batch_groups.h"

#include "api/joined_results.h"
#include "api/session_impl.h"
#include "core/find_node.h"
#include "methods/wide.h"

// Session: a batch in groups of samples, few enough at once for the cache and the memory.

namespace onnxray {

namespace {

int64_t samples_in(const std::vector<Tensor>& inputs) {
  return inputs.empty() || inputs[0].shape().empty() ? 1 : inputs[0].shape()[0];
}

/// Statistics over the batch, and tensors given for all of it, keep it together.
bool keeps_together(const ExplainManyOptions& options) {
  const auto over_batch = [](const MethodSpec& m) {
    return m.conventions.std_x != Conventions::StdX::per_sample;
  };
  return !options.baselines.empty() || !options.noise.empty() || options.report_layers ||
         std::ranges::any_of(resolve(options), over_batch);
}

bool is_per_sample(const Explanations& e, int64_t samples) {
  const auto fits = [&](const Tensor& t) { return !t.shape().empty() && t.shape()[0] == samples; };
  return fits(e.logits) && std::ranges::all_of(e.outputs, fits, &NamedTensor::tensor) &&
         std::ranges::all_of(e.attributions, fits, &Attribution::values);
}

}  // namespace

std::vector<PlanKey> Session::keys_of(const ExplainManyOptions& options) {
  if (options.methods.empty()) return {PlanKey{}};
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

int64_t Session::samples_at_once(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const int64_t samples = samples_in(inputs), bound = impl_->max_memory();
  const bool masked = std::ranges::any_of(
      options.targets, [](const Target& t) { return t.kind_ == Target::Kind::mask && t.ranges_.empty(); });
  if (samples < 2 || masked || keeps_together(options)) return samples;
  int64_t most = samples;
  for (const PlanKey& key : keys_of(options)) most = std::min(most, impl_->group_for(inputs, key));
  if (bound <= 0 || bytes_needed(samples_of(inputs, 0, most), options) <= bound) return most;
  if (most == samples && !impl_->can_split(inputs, options.at)) return samples;
  while (most > 1 && bytes_needed(samples_of(inputs, 0, most), options) > bound) most = (most + 1) / 2;
  return most;
}

Session::Group Session::first_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const int64_t samples = samples_in(inputs), most = samples_at_once(inputs, options);
  if (most == samples) return {inputs, samples, 1};
  return {samples_of(inputs, 0, most), most, static_cast<double>(samples) / static_cast<double>(most)};
}

std::vector<NamedTensor> Session::run_batch(const std::vector<Tensor>& inputs) {
  const int64_t samples = samples_in(inputs), most = samples_at_once(inputs, {});
  if (most == samples) return run_group(inputs);
  std::vector<std::vector<NamedTensor>> parts;
  for (int64_t at = 0; at < samples; at += most)
    parts.push_back(run_group(samples_of(inputs, at, std::min(most, samples - at))));
  return joined(parts);
}

Explanations Session::explain_batch(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  require(!options.methods.empty() && !options.targets.empty(), ErrorCode::usage,
          "explain needs a method and a target");
  const int64_t samples = samples_in(inputs), most = samples_at_once(inputs, options);
  return most == samples ? explain_group(inputs, options, on_progress)
                         : explain_in_groups(inputs, options, most);
}

Explanations Session::explain_in_groups(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                        int64_t most) {
  const int64_t samples = samples_in(inputs);
  std::vector<Explanations> parts;
  for (int64_t at = 0; at < samples; at += most) {
    const int64_t count = std::min(most, samples - at);
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
    parts.push_back(explain_group(samples_of(inputs, at, count), now, progress));
    if (!is_per_sample(parts.back(), count)) return explain_group(inputs, options, on_progress);
  }
  return joined(parts);
}

int64_t Session::Impl::group_for(const std::vector<Tensor>& inputs, PlanKey key) {
  complete(key, inputs);
  const auto known = std::ranges::find(groups_, key, &BatchGroup::key);
  if (known != groups_.end()) return known->samples;
  const int64_t all = inputs[0].shape()[0];
  int64_t samples =
      given_group_ > 0 ? std::min(all, given_group_) : samples_per_group(plan_for(inputs, key).plan, all);
  if (samples < all && !can_split(inputs, key.at)) samples = all;
  if (samples < all && given_group_ == 0) plans_.pop_front();  // the whole batch's, which will not run
  groups_.push_front({std::move(key), samples});
  if (groups_.size() > 4 * kCachedPlans) groups_.pop_back();
  return samples;
}

bool Session::Impl::can_split(const std::vector<Tensor>& inputs, const std::string& at) {
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
  try {
    const Graph batch = specialise(graph(), all, {}, ops(), *folder_),
                single = specialise(graph(), one, {}, ops(), *folder_);
    std::vector<ValueId> results = batch.outputs;
    if (!at.empty()) results.push_back(find_value(batch, at));
    return why_not_wide(single, batch, inputs[0].shape()[0], ops(), results).empty();
  } catch (const Error&) {  // some shapes of the model are made for the whole batch
    return false;
  }
}

}  // namespace onnxray
