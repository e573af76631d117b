#pragma once

#include <optional>
#include <vector>

#include "core/graph.h"

namespace onnxray {

/// The one element of a constant, or nothing.
std::optional<double> scalar_constant(const Graph& graph, ValueId id);
/// Whether `id` is a one-element constant equal to `value` to the precision of float.
bool is_scalar(const Graph& graph, ValueId id, double value);
/// Equality to 1e-6 of b: constants are rounded to float, or written with seven digits. Only 0 equals 0.
bool nearly(double a, double b);
/// Whether `id` is a constant that holds nothing but `value`.
bool is_filled(const Graph& graph, ValueId id, double value);
/// The number that a constant holds everywhere; nothing where it holds several or none.
std::optional<double> only_number(const Tensor& constant);

std::vector<double> doubles_of(const Tensor& tensor);
Tensor from_doubles(DType dtype, Shape shape, const std::vector<double>& values);
Tensor from_int64s(const std::vector<int64_t>& values);
/// The tensor with its axes permuted as by Transpose.
Tensor transposed(const Tensor& tensor, const std::vector<int64_t>& permutation);

/// A constant that adds or multiplies each of the `extent` places of `axis` in a tensor of `rank`, as its
/// `extent` elements; nothing where it varies along another axis.
std::optional<std::vector<double>> along_axis(const Tensor& constant, size_t rank, size_t axis,
                                              int64_t extent);

/// Axes of a reduction (attribute or second input), non-negative and sorted; all axes where it lists none.
/// Nothing where they are not known or the node reduces nothing.
std::optional<std::vector<int64_t>> reduction_axes(const Graph& graph, const Node& node, size_t rank);

}  // namespace onnxray
