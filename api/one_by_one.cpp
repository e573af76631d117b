#include "api/joined_results.h"
#include "api/session_impl.h"

// Session: a batch for a model that takes one sample at a time.

namespace onnxray {

namespace {

std::string note_of(int64_t samples, const std::string& why) {
  return fmt::format(
      "the model's batch is 1, and it cannot be widened: {}; its {} samples ran one after the other", why,
      samples);
}

std::vector<Tensor> nth_sample(const Graph& graph, const std::vector<Tensor>& inputs, const FixedBatch& batch,
                               int64_t n) {
  std::vector<Tensor> sample;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto axis = batch.axes.find(graph.inputs[i].value);
    sample.push_back(axis == batch.axes.end() ? inputs[i] : samples_of(inputs[i], axis->second, n, 1));
  }
  return sample;
}

/// Along which axis results of single samples are joined: one of extent 1, or a new one.
size_t join_axis(const Shape& one) {
  const auto it = std::ranges::find(one, 1);
  return it == one.end() ? kNewAxis : static_cast<size_t>(it - one.begin());
}

/// The input's own axis; an inner value has its samples on an axis of extent 1.
size_t attribution_axis(const Graph& graph, const Attribution& a, const FixedBatch& batch) {
  for (const InputInfo& input : graph.inputs) {
    if (graph[input.value].name != a.input) continue;
    const auto axis = batch.axes.find(input.value);
    return axis == batch.axes.end() ? kAddUp : axis->second;
  }
  return join_axis(a.values.shape());
}

/// What is given for a whole input, or for many draws of it ([draws, input...]), at sample n.
Tensor given_at(const Tensor& given, const std::vector<Tensor>& inputs, const Graph& graph,
                const FixedBatch& batch, int64_t n) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto axis = batch.axes.find(graph.inputs[i].value);
    if (axis == batch.axes.end()) continue;
    const Shape &x = inputs[i].shape(), &g = given.shape();
    if (g == x) return samples_of(given, axis->second, n, 1);
    if (!g.empty() && Shape(g.begin() + 1, g.end()) == x) return samples_of(given, axis->second + 1, n, 1);
  }
  return given;
}

}  // namespace

std::vector<NamedTensor> Session::run_one_by_one(const std::vector<Tensor>& inputs, const std::string& output,
                                                 const FixedBatch& batch) {
  std::vector<std::vector<NamedTensor>> parts;
  for (int64_t n = 0; n < batch.samples; ++n)
    parts.push_back(run_batch(nth_sample(impl_->graph(), inputs, batch, n), output));
  std::vector<size_t> axes;
  for (const NamedTensor& one : parts[0]) axes.push_back(join_axis(one.tensor.shape()));
  impl_->notes = {note_of(batch.samples, impl_->one_sample_only)};
  return joined(parts, axes);
}

Explanations Session::explain_one_by_one(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                         const FixedBatch& batch) {
  const Graph& graph = impl_->graph();
  for (const MethodSpec& m : resolve(options))
    require(m.conventions.std_x == Conventions::StdX::per_sample, ErrorCode::unsupported,
            "'{}' needs the whole batch at once (std_x=batch), but {}", m.text, impl_->one_sample_only);
  std::vector<Explanations> parts;
  for (int64_t n = 0; n < batch.samples; ++n) {
    ExplainManyOptions now = options;
    for (Target& t : now.targets) {
      const auto given = static_cast<int64_t>(t.indices_.size());
      require(given <= 1 || given == batch.samples, ErrorCode::usage,
              "{} targets for a batch of {}: give one, or one per sample", given, batch.samples);
      if (given > 1) t.indices_ = {t.indices_[static_cast<size_t>(n)]};
      const bool per_sample =
          t.kind_ == Target::Kind::mask && !t.mask_.shape().empty() && t.mask_.shape()[0] == batch.samples;
      if (per_sample && t.mask_.size() == batch.samples * logits_size(inputs, options, batch))
        t.mask_ = samples_of(t.mask_, 0, n, 1);
    }
    for (Tensor& t : now.baselines) t = given_at(t, inputs, graph, batch, n);
    for (Tensor& t : now.noise) t = given_at(t, inputs, graph, batch, n);
    parts.push_back(explain_samples(nth_sample(graph, inputs, batch, n), now));
  }
  JoinAxes axes;
  for (const NamedTensor& o : parts[0].outputs) axes.outputs.push_back(join_axis(o.tensor.shape()));
  axes.logits = join_axis(parts[0].logits.shape());
  for (const Attribution& a : parts[0].attributions)
    axes.attributions.push_back(attribution_axis(graph, a, batch));
  Explanations all = joined(parts, axes);
  all.notes.push_back(note_of(batch.samples, impl_->one_sample_only));
  return all;
}

/// Entries of what targets index, of one sample.
int64_t Session::logits_size(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                             const FixedBatch& batch) {
  const std::vector<Tensor> first = nth_sample(impl_->graph(), inputs, batch, 0);
  std::vector<MethodSpec> methods = resolve(options);
  methods.resize(1);
  return element_count(impl_->plan_for(first, key_of(options, methods, specs_of(options.targets))).logits);
}

}  // namespace onnxray
