#pragma once

#include <optional>

#include "core/builder.h"
#include "core/sample_axis.h"

namespace onnxray {

// Numbers of each sample, for a value v that holds the samples `at` an axis; unset: v is one sample's. Shapes
// are copies: shape(v) refers into the growing program.

/// The extents of one sample, with 1 (or what else the axis holds) in the samples' place.
Shape one_sample(Shape shape, const std::optional<SampleAxis>& at);

/// The sum of each sample's entries: [N].
Var sum_per_sample(Builder& b, Var v, const std::optional<SampleAxis>& at);
/// A reduction over each sample's entries; broadcasts to v.
Var reduce_per_sample(Builder& b, Reduce::Kind kind, Var v, const std::optional<SampleAxis>& at);
/// The mean of each sample's entries; broadcasts to v.
Var mean_per_sample(Builder& b, Var v, const std::optional<SampleAxis>& at);

/// A number of each sample [N] (or a value of N entries) in a shape that broadcasts to `shape`.
Var spread(Builder& b, Var numbers, Shape shape, const std::optional<SampleAxis>& at);
/// What is the same for every sample, of one_sample(shape), in a shape that broadcasts to `shape`.
Var repeated(Builder& b, Var one, Shape shape, const std::optional<SampleAxis>& at);

}  // namespace onnxray
