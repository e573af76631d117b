#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "api/map_notes.h"
#include "api/not_finite.h"
#include "api/session_impl.h"
#include "onnx/rebatch.h"

// Session: explanations.

namespace onnxray {

namespace {

/// The entries from `first` on. Independent partial sums: one would wait for every addition.
template <class Element>
double sum_of(int64_t first, int64_t count, const Element& element) {
  std::array<double, 8> partial{};
  const int64_t lanes = std::ssize(partial), whole = count / lanes * lanes;
  for (int64_t i = 0; i < whole; i += lanes) {
    for (int64_t j = 0; j < lanes; ++j) partial[static_cast<size_t>(j)] += element(first + i + j);
  }
  for (int64_t i = whole; i < count; ++i) partial[0] += element(first + i);
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

std::vector<double> sums_per_sample(const Tensor& values, const std::optional<SampleAxis>& at) {
  // [outer, samples, each] in row-major order
  const Shape& shape = values.shape();
  const auto axis = static_cast<size_t>(at ? at->axis : 0);
  const int64_t samples = at ? shape[axis] / (at->outer * at->inner) : 1;
  const int64_t outer = at ? count_between(shape, 0, axis) * at->outer : 1;
  const int64_t each = at ? count_between(shape, axis + 1, shape.size()) * at->inner : values.size();
  std::vector<double> sums(static_cast<size_t>(samples), 0.0);
  const auto add_up = [&](auto element) {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t n = 0; n < samples; ++n)
        sums[static_cast<size_t>(n)] += sum_of((o * samples + n) * each, each, element);
    }
  };
  // A large batch has tens of millions of entries: the type is looked up once.
  if (values.dtype() == DType::f32)
    add_up([data = values.data<float>()](int64_t i) { return double{data[static_cast<size_t>(i)]}; });
  else
    add_up([&](int64_t i) { return values.as_double(i); });
  return sums;
}

/// Where an attribution over `value` holds the samples. A map of another shape has them where its layer does.
std::optional<SampleAxis> samples_in(const Tensor& values, const CompiledPlan& compiled, ValueId value) {
  const std::optional<SampleAxis> at = compiled.samples.of(value);
  if (values.shape() == compiled.graph[value].shape || values.shape().empty()) return at;
  return values.shape()[0] == compiled.samples.count ? std::optional(SampleAxis{}) : std::nullopt;
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

}  // namespace

std::vector<TargetSpec> Session::specs_of(const std::vector<Target>& targets) {
  std::vector<TargetSpec> specs;
  for (const Target& t : targets)
    specs.push_back({static_cast<TargetSpec::Kind>(t.kind_), t.indices_, t.tuple_, t.mask_, t.ranges_,
                     t.axis_, t.is_class_});
  return specs;
}

Explanations Session::explain_many(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  return impl_->in_turn([&] {
    Explanations explanations = explain_samples(inputs, options);
    for (std::string& note : notes_on_maps(resolve(options), explanations.attributions))
      explanations.notes.push_back(std::move(note));
    note_not_finite(impl_->graph(), inputs, explanations);
    return explanations;
  });
}

Explanations Session::explain_samples(const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  const FixedBatch batch = impl_->fixed_batch_of(inputs);
  if (!batch) return explain_batch(inputs, options);
  if (impl_->one_sample_only.empty()) {
    try {
      return explain_batch(inputs, options);
    } catch (const OneSampleOnly& why) {
      impl_->one_sample_only = why.what();
    }
  }
  return explain_one_by_one(inputs, options, batch);
}

Explanations Session::explain_group(const std::vector<Tensor>& inputs, const ExplainManyOptions& options,
                                    const std::function<void(int64_t, int64_t)>& progress) {
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
    auto results = impl_->run(compiled, inputs, given, targets, progress);
    const std::vector<std::string> notes = compiled.executable->notes();
    explanations.notes.insert(explanations.notes.end(), notes.begin(), notes.end());
    for (const Assumption& a : compiled.assumptions) assume(explanations.assumptions, a);
    if (explanations.targets.empty()) {
      read_shared_results(results, compiled.graph, targets.size(), explanations);
      explanations.sample_axis = compiled.sample_axis;
      explanations.explained = description_of(compiled.graph, *compiled.spec.head);
    }
    for (size_t k = 0; k < targets.size(); ++k) {
      for (size_t g = 0; g < group.size(); ++g) {
        std::vector<LayerRelevance> layers;
        if (options.report_layers)
          layers = read_layers(results, compiled.graph, methods[group[g]], fmt::format(":{}:{}", g, k));
        for (size_t i = 0; i < compiled.explained.size(); ++i) {
          Tensor& values = results.at(fmt::format("attribution:{}:{}:{}", g, k, i));
          const ExplainedNames& explained = compiled.explained[i];
          const auto at = samples_in(values, compiled, explained.value);
          Attribution a{methods[group[g]].text, k, explained.input, values, sums_per_sample(values, at)};
          a.embeddings = explained.embeddings;
          if (const auto gap = results.find(fmt::format("gap:{}:{}", g, k)); gap != results.end())
            a.completeness_gap = gap->second.to_doubles();
          a.layers = layers;
          if (at && at->outer * at->inner == 1) a.sample_axis = at->axis;
          a.shares_score = !explanations.explained.is_kept && shares_score(methods[group[g]]);
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

}  // namespace onnxray
