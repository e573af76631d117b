#include "methods/target.h"

#include <algorithm>
#include <numeric>

#include "core/fail.h"

namespace onnxray {

namespace {

/// An output that targets index, taken apart: one sample's entries in row-major order.
struct Layout {
  Layout(const Shape& logits, std::optional<int64_t> samples) : entry(logits) {
    if (!samples) return;
    axis = static_cast<size_t>(*samples);
    count = logits[axis];
    entry.erase(entry.begin() + *samples);
  }
  /// Also of a batch without samples.
  int64_t entries() const { return element_count(entry); }

  Shape entry;        ///< the extents of one sample's output
  int64_t count = 1;  ///< of samples
  size_t axis = 0;    ///< theirs; a single sample leads
};

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

TargetVars emit_target(Builder& b, TargetSpec::Kind kind, Var logits, std::optional<int64_t> samples,
                       const std::string& name) {
  const Shape shape = b.shape(logits);
  if (kind == TargetSpec::Kind::mask) return {{}, b.input(name, shape, b.dtype(logits))};
  const Layout layout(shape, samples);
  const int64_t count = layout.count, entries = layout.entries();
  Var index;
  if (kind == TargetSpec::Kind::argmax) {
    std::vector<int64_t> first(shape.size());  // the permutation that puts the samples first
    std::iota(first.begin(), first.end(), 0);
    if (samples) std::rotate(first.begin(), first.begin() + *samples, first.begin() + *samples + 1);
    const Var flat = b.reshape(b.transpose(logits, first), {count, entries});
    index = b.reshape(b.arg_reduce(flat, 1, true), {count});
  } else {
    index = b.input(name, {count}, DType::i64);
  }
  std::vector<int64_t> places(static_cast<size_t>(entries));
  std::iota(places.begin(), places.end(), 0);
  const Var chosen =
      b.equal(b.constant(Tensor::of<int64_t>({1, entries}, places)), b.reshape(index, {count, 1}));
  Shape samples_first = layout.entry;
  if (samples) samples_first.insert(samples_first.begin(), count);
  std::vector<int64_t> back(shape.size());
  std::iota(back.begin(), back.end(), 0);
  if (samples) std::rotate(back.begin(), back.begin() + 1, back.begin() + *samples + 1);
  return {index, b.transpose(b.reshape(b.cast(chosen, b.dtype(logits)), samples_first), back)};
}

namespace {

bool is_inside(const std::vector<int64_t>& tuple, const Shape& extents) {
  for (size_t i = 0; i < tuple.size(); ++i) {
    if (tuple[i] < 0 || tuple[i] >= extents[i]) return false;
  }
  return tuple.size() == extents.size();
}

/// The extents that a tuple counts along. A single sample's axis may be named or left out, wherever it is.
Shape counted_extents(const std::vector<int64_t>& tuple, const Shape& logits, const Layout& layout) {
  if (layout.count != 1 || tuple.size() == layout.entry.size()) return layout.entry;
  if (tuple.size() == logits.size()) return logits;
  Shape fitting = layout.entry;
  for (size_t i = logits.size(); i-- > 0;) {
    Shape shorter = logits;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    if (logits[i] == 1 && is_inside(tuple, shorter)) fitting = shorter;
  }
  return fitting;
}

/// The row-major index of a tuple inside one sample's output.
int64_t flat_index(const std::vector<int64_t>& tuple, const Shape& logits, const Layout& layout) {
  const Shape extents = counted_extents(tuple, logits, layout);
  const bool leads = layout.axis == 0;
  require(tuple.size() == extents.size(), ErrorCode::usage,
          "target {} does not fit an output of shape {}: give one index per axis{}", to_string(tuple),
          to_string(logits),
          extents == logits ? ""
          : leads           ? " after the batch"
                            : fmt::format(" but {}, the samples'", layout.axis));
  require(is_inside(tuple, extents), ErrorCode::usage, "target {} is outside an output of shape {}",
          to_string(tuple), to_string(logits));
  int64_t flat = 0;
  for (size_t i = 0; i < tuple.size(); ++i) flat = flat * extents[i] + tuple[i];
  return flat;
}

/// The same weights for every sample.
Tensor repeated_mask(const Tensor& one, const Shape& logits, const Layout& layout) {
  const std::vector<double> weights = one.to_doubles();
  const int64_t inner = count_between(layout.entry, layout.axis, layout.entry.size());
  std::vector<double> all;
  for (size_t block = 0; block < weights.size(); block += static_cast<size_t>(inner)) {
    const auto from = weights.begin() + static_cast<std::ptrdiff_t>(block);
    for (int64_t n = 0; n < layout.count; ++n) all.insert(all.end(), from, from + inner);
  }
  return Tensor::of<double>(logits, all);
}

}  // namespace

Tensor target_input(const TargetSpec& target, const Shape& logits, std::optional<int64_t> samples) {
  const Layout layout(logits, samples);
  const int64_t entries = layout.entries();
  if (target.kind == TargetSpec::Kind::mask) {
    if (target.mask.shape() == logits) return target.mask;
    require(target.mask.size() == entries, ErrorCode::usage,
            "a target mask of shape {} does not fit an output of shape {}", to_string(target.mask.shape()),
            to_string(logits));
    return repeated_mask(target.mask, logits, layout);
  }
  const std::vector<int64_t> indices =
      target.tuple.empty() ? target.indices : std::vector{flat_index(target.tuple, logits, layout)};
  const auto count = static_cast<int64_t>(indices.size());
  require(count == 1 || count == layout.count, ErrorCode::usage,
          "{} targets for a batch of {}: give one, or one per sample", count, layout.count);
  std::vector<int64_t> all;
  for (int64_t n = 0; n < layout.count; ++n) {
    const int64_t index = indices[count == 1 ? 0 : static_cast<size_t>(n)];
    require(index >= 0 && index < entries, ErrorCode::usage,
            "target {} is outside an output of {} entries per sample", index, entries);
    all.push_back(index);
  }
  return Tensor::of<int64_t>({layout.count}, all);
}

}  // namespace onnxray
