#pragma once

#include "api/onnxray.h"

namespace onnxray {

/// An attribution of what all samples share is added up instead.
constexpr size_t kAddUp = SIZE_MAX;
/// Results without an axis for the samples get one, in front.
constexpr size_t kNewAxis = SIZE_MAX - 1;

/// The axes along which results of parts of a batch are joined.
struct JoinAxes {
  std::vector<size_t> outputs, attributions;
  size_t logits = 0;
};

/// Explanations of samples, one after the other, by the same methods for the same targets. Notes are the
/// first's.
Explanations joined(const std::vector<Explanations>& parts, const JoinAxes& axes);
/// Likewise the outputs of a model.
std::vector<NamedTensor> joined(const std::vector<std::vector<NamedTensor>>& parts,
                                const std::vector<size_t>& axes);

}  // namespace onnxray
