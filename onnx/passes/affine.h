#pragma once

#include <optional>
#include <vector>

#include "onnx/passes/edit.h"

namespace onnxray {

/// y = factor * x + offset per channel: what BatchNormalization is at inference.
struct Affine {
  std::vector<double> factor, offset;
};

/// Axes [first, first + count) of a value, which together count its channels in row-major order. None: the
/// channels stand nowhere by themselves.
struct ChannelAxes {
  size_t first = 0, count = 0;
};

/// The operand of a BatchNormalization, or of an Add, Sub, Mul or Div by a constant, that is not constant;
/// nothing where the node is no such thing.
std::optional<size_t> affine_operand(const GraphEdit& edit, const Node& node);

/// What the node does to each of the `count` channels of that operand, which stand at `channels` of it.
/// Nothing where it is not affine, does not treat the places of a channel alike or is not finite.
std::optional<Affine> affine_of(const GraphEdit& edit, const Node& node, ChannelAxes channels, int64_t count);

/// A constant that adds or multiplies a value of `shape`, as its numbers along the channels; nothing where it
/// varies along another axis.
std::optional<std::vector<double>> along_channels(const Tensor& constant, const Shape& shape,
                                                  ChannelAxes channels, int64_t count);

}  // namespace onnxray
