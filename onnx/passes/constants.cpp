#include "onnx/passes/constants.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace onnxray {

std::optional<double> scalar_constant(const Graph& graph, ValueId id) {
  const Tensor* t = graph.constant(id);
  if (t == nullptr || t->size() != 1) return std::nullopt;
  return t->as_double(0);
}

bool nearly(double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); }

bool is_scalar(const Graph& graph, ValueId id, double value) {
  const auto c = scalar_constant(graph, id);
  return c.has_value() && nearly(*c, value);
}

bool is_filled(const Graph& graph, ValueId id, double value) {
  const Tensor* t = graph.constant(id);
  if (t == nullptr) return false;
  for (int64_t i = 0; i < t->size(); ++i) {
    if (t->as_double(i) != value) return false;
  }
  return true;
}

std::optional<double> only_number(const Tensor& constant) {
  if (constant.size() == 0) return std::nullopt;
  const double first = constant.as_double(0);
  for (int64_t i = 1; i < constant.size(); ++i) {
    if (constant.as_double(i) != first) return std::nullopt;
  }
  return first;
}

std::vector<double> doubles_of(const Tensor& tensor) {
  // Weights have millions of elements: the common type skips the choice of type at each.
  if (tensor.dtype() != DType::f32) return tensor.to_doubles();
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

Tensor from_doubles(DType dtype, Shape shape, const std::vector<double>& values) {
  if (dtype != DType::f32) return Tensor::of<double>(std::move(shape), values).to(dtype);
  Tensor result(dtype, std::move(shape));
  std::ranges::transform(values, result.mutable_data<float>().begin(),
                         [](double v) { return static_cast<float>(v); });
  return result;
}

Tensor from_int64s(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

Tensor transposed(const Tensor& tensor, const std::vector<int64_t>& permutation) {
  const size_t rank = permutation.size();
  const Strides source = row_major_strides(tensor.shape());
  Shape shape(rank);
  Strides strides(rank);
  for (size_t i = 0; i < rank; ++i) {
    shape[i] = tensor.shape()[static_cast<size_t>(permutation[i])];
    strides[i] = source[static_cast<size_t>(permutation[i])];
  }
  Tensor result(tensor.dtype(), shape);
  const auto bytes = static_cast<size_t>(size_of(tensor.dtype()));
  std::byte* out = result.mutable_bytes();
  Shape index(rank, 0);
  int64_t offset = 0;
  for (int64_t n = 0; n < tensor.size(); ++n) {
    std::memcpy(out + static_cast<size_t>(n) * bytes, tensor.bytes() + static_cast<size_t>(offset) * bytes,
                bytes);
    for (size_t i = rank; i-- > 0;) {
      offset += strides[i];
      if (++index[i] < shape[i]) break;
      offset -= shape[i] * strides[i];
      index[i] = 0;
    }
  }
  return result;
}

std::optional<std::vector<double>> along_axis(const Tensor& constant, size_t rank, size_t axis,
                                              int64_t extent) {
  if (constant.shape().size() > rank) return std::nullopt;
  if (constant.size() == 1) return std::vector<double>(static_cast<size_t>(extent), constant.as_double(0));
  const size_t missing = rank - constant.shape().size();
  for (size_t i = 0; i < constant.shape().size(); ++i) {
    const int64_t expected = i + missing == axis ? extent : 1;
    if (constant.shape()[i] != expected) return std::nullopt;
  }
  return constant.to_doubles();
}

std::optional<std::vector<int64_t>> reduction_axes(const Graph& graph, const Node& node, size_t rank) {
  std::vector<int64_t> axes = ints_attribute(node, "axes");
  if (node.inputs.size() > 1 && node.inputs[1] != kNoValue) {
    const Tensor* t = graph.constant(node.inputs[1]);
    if (t == nullptr) return std::nullopt;
    axes = t->to_int64s();
  }
  if (axes.empty()) {
    if (int_attribute(node, "noop_with_empty_axes", 0) != 0) return std::nullopt;
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  for (int64_t& axis : axes) axis = normalise_axis(axis, rank);
  std::ranges::sort(axes);
  return axes;
}

}  // namespace onnxray
