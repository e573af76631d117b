#pragma once

#include "api/onnxray.h"

namespace onnxray {

/// An attribution of what all samples share is added up instead.
constexpr size_t kAddUp = SIZE_MAX;

/// The axes along which results of parts of a batch are joined: 0 where the lists are shorter.
struct JoinAxes {
  std::vector<size_t> outputs, attributions;
  size_t logits = 0;
};

/// Explanations of further samples by the same methods for the same targets.
void append(Explanations& all, const Explanations& more, const JoinAxes& axes = {});

}  // namespace onnxray
