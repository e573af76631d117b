#include "methods/target.h"

#include <algorithm>
#include <numeric>

#include "core/fail.h"

namespace onnxray {

namespace {

/// Also of a batch without samples.
int64_t entries_per_sample(const Shape& logits) {
  return logits.empty() ? 1 : count_between(logits, 1, logits.size());
}

int64_t samples_of(const Graph& graph, ValueId value) {
  const auto& shape = graph.values[static_cast<size_t>(value)].shape;
  return !shape || shape->empty() ? 1 : shape->front();
}

}  // namespace

ValueId find_logits(const Graph& graph, ValueId output, bool keep_softmax) {
  if (keep_softmax) return output;
  constexpr std::string_view kKeepsOrder[] = {"Identity",  "Reshape", "Flatten", "Squeeze",
                                              "Unsqueeze", "Cast",    "Dropout"};
  const auto producers = graph.producers();
  ValueId value = output;
  while (true) {
    const int32_t n = producers[static_cast<size_t>(value)];
    if (n < 0) return output;
    const Node& node = graph.nodes[static_cast<size_t>(n)];
    if (node.op == "Softmax" || node.op == "LogSoftmax") {
      // [T,1,C] seen as [1,T,C]: an index into the one sample is none into T samples of the logits.
      const int64_t samples = samples_of(graph, node.inputs[0]);
      return samples == 1 || samples == samples_of(graph, output) ? node.inputs[0] : output;
    }
    // A flat index means the same entry on both sides of these.
    if (std::ranges::find(kKeepsOrder, node.op) == std::end(kKeepsOrder)) return output;
    value = node.inputs[0];
  }
}

TargetVars emit_target(Builder& b, TargetSpec::Kind kind, Var logits, const std::string& name) {
  const Shape shape = b.shape(logits);
  if (kind == TargetSpec::Kind::mask) return {{}, b.input(name, shape, b.dtype(logits))};
  const int64_t samples = shape.empty() ? 1 : shape[0];
  const int64_t entries = entries_per_sample(shape);
  const Var flat = b.reshape(logits, {samples, entries});
  const Var index = kind == TargetSpec::Kind::argmax ? b.reshape(b.arg_reduce(flat, 1, true), {samples})
                                                     : b.input(name, {samples}, DType::i64);
  std::vector<int64_t> places(static_cast<size_t>(entries));
  std::iota(places.begin(), places.end(), 0);
  const Var chosen =
      b.equal(b.constant(Tensor::of<int64_t>({1, entries}, places)), b.reshape(index, {samples, 1}));
  return {index, b.reshape(b.cast(chosen, b.dtype(logits)), shape)};
}

namespace {

/// The row-major index of a tuple inside one sample's output.
int64_t flat_index(const std::vector<int64_t>& tuple, const Shape& logits) {
  require(tuple.size() + 1 == logits.size(), ErrorCode::usage,
          "target {} does not fit an output of shape {}: give one index per axis after the batch",
          to_string(tuple), to_string(logits));
  int64_t flat = 0;
  for (size_t i = 0; i < tuple.size(); ++i) {
    require(tuple[i] >= 0 && tuple[i] < logits[i + 1], ErrorCode::usage,
            "target {} is outside an output of shape {}", to_string(tuple), to_string(logits));
    flat = flat * logits[i + 1] + tuple[i];
  }
  return flat;
}

}  // namespace

Tensor target_input(const TargetSpec& target, const Shape& logits) {
  const int64_t samples = logits.empty() ? 1 : logits[0];
  const int64_t entries = entries_per_sample(logits);
  if (target.kind == TargetSpec::Kind::mask) {
    if (target.mask.shape() == logits) return target.mask;
    require(target.mask.size() == entries, ErrorCode::usage,
            "a target mask of shape {} does not fit an output of shape {}", to_string(target.mask.shape()),
            to_string(logits));
    const std::vector<double> one = target.mask.to_doubles();
    std::vector<double> all;
    for (int64_t n = 0; n < samples; ++n) all.insert(all.end(), one.begin(), one.end());
    return Tensor::of<double>(logits, all);
  }
  const std::vector<int64_t> indices =
      target.tuple.empty() ? target.indices : std::vector{flat_index(target.tuple, logits)};
  const auto count = static_cast<int64_t>(indices.size());
  require(count == 1 || count == samples, ErrorCode::usage,
          "{} targets for a batch of {}: give one, or one per sample", count, samples);
  std::vector<int64_t> all;
  for (int64_t n = 0; n < samples; ++n) {
    const int64_t index = indices[count == 1 ? 0 : static_cast<size_t>(n)];
    require(index >= 0 && index < entries, ErrorCode::usage,
            "target {} is outside an output of {} entries per sample", index, entries);
    all.push_back(index);
  }
  return Tensor::of<int64_t>({samples}, all);
}

}  // namespace onnxray
