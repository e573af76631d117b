#pragma once

#include <optional>
#include <string>

#include "backends/cudnn/step.h"

namespace onnxray::cudnn {

/// A convolution y [N, M, o..] of x [N, C, s..] with w [M, C/groups, k..] as the libraries see it: at least
/// two spatial axes, equal padding at both ends, one layout for x and y.
struct ConvolutionShape {
  Shape x, y, w;
  Shape strides, dilations, pads;
  int64_t groups = 1;
  bool channels_last = false;

  /// The convolution from y's space to x's whose forward is this one's adjoint, and whose adjoint this one's
  /// forward, with w'[c, m, t] = w[m, c, K - 1 - t]. Only for strides of 1 and a single group.
  std::optional<ConvolutionShape> rotated() const;
  /// Whether it is a matrix product at every place: kernel, strides and pads of 1, 1 and 0.
  bool is_pointwise() const;
  /// The pointwise convolution of every s-th place of x that a kernel of one tap with strides s computes.
  std::optional<ConvolutionShape> thinned() const;
  /// "x=[..] w=[..] ...", as the tuner's key.
  std::string to_text() const;
};

/// `x` with room for uneven padding: elements of x lie at `first` of `padded`.
struct UnevenPadding {
  Shape padded;
  std::vector<int64_t> first;
};

struct ConvolutionProblem {
  ConvolutionShape shape;
  std::optional<UnevenPadding> padding;  ///< where x must be copied into a larger frame
};

/// None where the operands lie otherwise than the libraries take them.
std::optional<ConvolutionProblem> convolution_problem(const Window& window, int64_t groups, const Operand& x,
                                                      const Operand& w, const Operand& y);

/// Strides of a data tensor in one of the two layouts.
Strides data_strides(const Shape& shape, bool channels_last);

}  // namespace onnxray::cudnn
