#pragma once

#include <string>

#include "backends/cudnn/step.h"

namespace onnxray::cudnn {

constexpr int kMostOperands = 32, kMostAxes = 6;

/// What a generated kernel is called with, by value. `strides[k]` are those of outputs, then of inputs.
struct ElementwiseArguments {
  const void* in[kMostOperands];
  void* out[kMostOperands];
  long long count;  ///< of threads: elements / width
  long long extents[kMostAxes];
  long long strides[kMostOperands][kMostAxes];
};

/// An elementwise chain as CUDA C++: text that depends on the chain, the storage of its operands and the form
/// of their layout, but not on extents, so that one compiled kernel serves many steps.
struct ElementwiseSource {
  std::string text;  ///< defines `extern "C" __global__ void chain(ElementwiseArguments)`
  ElementwiseArguments arguments;
};

/// Throws std::length_error for too many operands or axes.
ElementwiseSource elementwise_source(const Elementwise& p, const Operands& o);

}  // namespace onnxray::cudnn
