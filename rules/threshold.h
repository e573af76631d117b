#pragma once

#include "core/tensor.h"

namespace onnxray {

/// A threshold as values of a type hold it. float32 data that says 0.3 holds the float next to it, and a
/// backend that computes in double must not find it below or above 0.3.
inline double threshold_in(double threshold, DType type) {
  return Tensor::filled(type, {}, threshold).as_double(0);
}

}  // namespace onnxray
