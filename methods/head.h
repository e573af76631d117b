#pragma once

#include <optional>

#include "core/graph.h"

namespace onnxray {

/// What a model does to its scores at its very end, where the derivatives of a confident prediction vanish:
/// Softmax, LogSoftmax, Sigmoid, HardSigmoid, and the logarithm of a Sigmoid.
struct Head {
  enum class Kind : uint8_t { none, softmax, sigmoid } kind = Kind::none;
  bool logarithm = false;     ///< the output holds logarithms of probabilities
  ValueId output = kNoValue;  ///< whose head it is: an output of the model, or an inner value
  ValueId logits = kNoValue;  ///< the output's entries before the head, in its shape; the output without one
  /// Of a softmax: the axes of the output along which probabilities add up to 1. Empty where what follows the
  /// softmax parts them.
  std::vector<int64_t> axes = {};
  /// Whether every entry of the output comes of the head: boxes beside class scores do not.
  bool is_whole = true;
  bool is_kept = false;  ///< targets index the output itself: the logits are the output

  bool operator==(const Head&) const = default;
};

/// The head of one of the graph's outputs, separated or kept. Throws Error(usage) where what targets would
/// index are integers.
Head explained_head(Graph& graph, size_t output, bool keep);

/// The head of a value, also behind nodes that move entries (Reshape, Transpose, Slice, Concat, ...),
/// change their type or round them to a grid. Where such nodes follow it, copies of them that move the logits
/// in the same way are added to the graph, always the same ones to the same graph.
Head separate_head(Graph& graph, ValueId output);

/// What leaving the head out takes for granted; nothing where there is none, or it is kept. `samples`: the
/// output's axis that they lie along.
std::optional<Assumption> assumption_of(const Graph& graph, const Head& head, std::optional<int64_t> samples);

}  // namespace onnxray
