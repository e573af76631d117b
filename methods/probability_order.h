#pragma once

#include "core/builder.h"
#include "methods/head.h"

namespace onnxray {

/// What argmax compares, like the logits: it orders one sample's entries as the output does, without its
/// saturation. For a softmax at many positions, each of which has a scale of its own, these are log-odds.
/// `output`: the model's own numbers. `samples`: the axis that samples lie along.
Var probability_order(Builder& b, const Head& head, Var logits, Var output, std::optional<int64_t> samples);

}  // namespace onnxray
