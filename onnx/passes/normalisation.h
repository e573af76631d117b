#pragma once

#include <optional>

#include "onnx/passes/edit.h"

namespace onnxray {

// What patterns of layer and root-mean-square normalisation have in common.

/// First of the trailing axes over which `mean` averages with extents kept, or nothing.
std::optional<int64_t> first_trailing_axis(const Graph& graph, const Node& mean);

/// d of d^2, by Pow or by Mul; kNoValue where there is none.
ValueId squared(const GraphEdit& edit, ValueId id);

/// `id` = sqrt(mean(d^2) + eps) over trailing axes.
struct Deviation {
  ValueId d;
  int64_t axis;
  double epsilon;
};
std::optional<Deviation> match_deviation(const GraphEdit& edit, ValueId id);

/// The s of 1 / s, by Reciprocal or by Div; kNoValue where there is none.
ValueId reciprocal_of(const GraphEdit& edit, ValueId id);

/// A constant as a tensor of the normalised shape, or nothing.
std::optional<Tensor> as_parameter(const Graph& graph, ValueId id, const Shape& normalised);

}  // namespace onnxray
