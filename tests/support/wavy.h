#pragma once

#include "core/tensor.h"

namespace onnxray {

/// A f64 tensor of distinct values in (-1, 1) away from 0, the same for the same seed.
Tensor wavy(Shape shape, int seed, double scale = 1, double offset = 0);

}  // namespace onnxray
