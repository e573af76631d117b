#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/builder.h"
#include "core/graph.h"

namespace onnxray {

/// What is explained: one entry of each sample's output, or a weighting of all.
struct TargetSpec {
  enum class Kind { argmax, index, mask } kind = Kind::argmax;
  std::vector<int64_t> indices;  ///< row-major inside one sample's output; one, or one per sample
  std::vector<int64_t> tuple;    ///< instead of indices: where in one sample's output, for all samples; an
                                 ///< index for each axis but the samples', or for each of a single sample
  Tensor mask;                   ///< weights in the output's shape, or in one sample's
};

/// The value that targets index: the output, or what goes into the softmax at its end.
ValueId find_logits(const Graph& graph, ValueId output, bool keep_softmax);

struct TargetVars {
  Var index;      ///< i64 [N], the chosen entries; unset for a mask
  Var selection;  ///< like logits
};

/// Emits the choice. `samples`: the axis of the logits that the samples lie along; unset where they are one
/// sample's. Adds a program input named `name` for an index or a mask.
TargetVars emit_target(Builder& b, TargetSpec::Kind kind, Var logits, std::optional<int64_t> samples,
                       const std::string& name);

/// The tensor for that program input. Throws Error(usage) where the target does not fit the logits.
Tensor target_input(const TargetSpec& target, const Shape& logits, std::optional<int64_t> samples);

}  // namespace onnxray
