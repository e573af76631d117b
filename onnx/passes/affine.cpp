#include "onnx/passes/affine.h"

#include <algorithm>
#include <cmath>

#include "onnx/passes/constants.h"

namespace onnxray {

std::optional<std::vector<double>> along_channels(const Tensor& constant, const Shape& shape,
                                                  ChannelAxes channels, int64_t count) {
  if (const auto number = only_number(constant))
    return std::vector<double>(static_cast<size_t>(count), *number);
  if (constant.shape().size() > shape.size()) return std::nullopt;
  // The constant's strides along the channel axes; 0 where it is repeated.
  const Strides strides = row_major_strides(constant.shape());
  const size_t missing = shape.size() - constant.shape().size();
  Strides step(shape.size(), 0);
  for (size_t i = 0; i < strides.size(); ++i) {
    const size_t axis = i + missing;
    if (constant.shape()[i] == 1) continue;
    if (axis < channels.first || axis >= channels.first + channels.count) return std::nullopt;
    step[axis] = strides[i];
  }
  std::vector<double> values;
  for (int64_t c = 0; c < count; ++c) {
    int64_t rest = c, offset = 0;
    for (size_t axis = channels.first + channels.count; axis-- > channels.first; rest /= shape[axis])
      offset += rest % shape[axis] * step[axis];
    values.push_back(constant.as_double(offset));
  }
  return values;
}

namespace {

using Doubles = std::vector<double>;

bool is_norm(const Node& node) { return node.op == "BatchNormalization"; }

/// At inference, with constant parameters and one result.
bool is_affine_norm(const GraphEdit& edit, const Node& node) {
  if (node.inputs.size() != 5) return false;
  if (int_attribute(node, "training_mode", 0) != 0 || int_attribute(node, "spatial", 1) == 0) return false;
  if (node.opset < 7 && int_attribute(node, "is_test", 0) == 0) return false;
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && !edit.unused(node.outputs[i])) return false;
  }
  return std::ranges::all_of(node.inputs.begin() + 1, node.inputs.end(),
                             [&](ValueId id) { return edit.graph.constant(id) != nullptr; });
}

Affine affine_of_norm(const GraphEdit& edit, const Node& node) {
  const auto parameter = [&](size_t i) { return edit.graph.constant(node.inputs[i])->to_doubles(); };
  const Doubles scale = parameter(1), bias = parameter(2), mean = parameter(3), variance = parameter(4);
  const double epsilon = float_attribute(node, "epsilon", 1e-5);
  Affine affine;
  for (size_t c = 0; c < scale.size(); ++c) {
    affine.factor.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
    affine.offset.push_back(bias[c] - mean[c] * affine.factor[c]);
  }
  return affine;
}

/// Whether the channels are those of axis 1.
bool on_axis_1(const Shape& shape, ChannelAxes channels) {
  const size_t last = channels.first + channels.count;
  return channels.first <= 1 && last > 1 && count_between(shape, channels.first, last) == shape[1];
}

/// c + x, c - x, x - c, c x or x / c as a map of x, of which each channel has one c.
Affine affine_of_number(const Node& node, size_t operand, Doubles c) {
  Affine affine{Doubles(c.size(), 1), Doubles(c.size(), 0)};
  const auto map = [](Doubles values, auto f) {
    for (double& v : values) v = f(v);
    return values;
  };
  if (node.op == "Mul") {
    affine.factor = std::move(c);
  } else if (node.op == "Div") {
    affine.factor = map(std::move(c), [](double v) { return 1 / v; });
  } else if (node.op == "Sub" && operand == 0) {
    affine.offset = map(std::move(c), [](double v) { return -v; });
  } else {
    if (node.op == "Sub") affine.factor.assign(c.size(), -1);
    affine.offset = std::move(c);
  }
  return affine;
}

bool is_finite(const Affine& affine) {
  const auto finite = [](double v) { return std::isfinite(v); };
  return std::ranges::all_of(affine.factor, finite) && std::ranges::all_of(affine.offset, finite);
}

}  // namespace

std::optional<size_t> affine_operand(const GraphEdit& edit, const Node& node) {
  if (!node.domain.empty()) return std::nullopt;
  if (is_norm(node)) return is_affine_norm(edit, node) ? std::optional<size_t>(0) : std::nullopt;
  constexpr std::string_view kOps[] = {"Add", "Sum", "Sub", "Mul", "Div"};
  if (node.inputs.size() != 2 || std::ranges::find(kOps, node.op) == std::end(kOps)) return std::nullopt;
  const Graph& graph = edit.graph;
  const bool left = graph.constant(node.inputs[0]) != nullptr,
             right = graph.constant(node.inputs[1]) != nullptr;
  if (left == right || (left && node.op == "Div")) return std::nullopt;
  const Value& x = graph[node.inputs[left ? 1 : 0]];
  if (!is_floating(*x.dtype) || x.shape != graph[node.outputs[0]].shape) return std::nullopt;
  return left ? 1 : 0;
}

std::optional<Affine> affine_of(const GraphEdit& edit, const Node& node, ChannelAxes channels,
                                int64_t count) {
  const auto operand = affine_operand(edit, node);
  if (!operand) return std::nullopt;
  const Shape& shape = *edit.graph[node.inputs[*operand]].shape;
  Affine affine;
  if (is_norm(node)) {
    if (!on_axis_1(shape, channels)) return std::nullopt;
    affine = affine_of_norm(edit, node);
  } else {
    auto c = along_channels(*edit.graph.constant(node.inputs[1 - *operand]), shape, channels, count);
    if (!c) return std::nullopt;
    affine = affine_of_number(node, *operand, std::move(*c));
  }
  const bool fits = std::ssize(affine.factor) == count && is_finite(affine);
  return fits ? std::optional(std::move(affine)) : std::nullopt;
}

}  // namespace onnxray
