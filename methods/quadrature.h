#pragma once

#include <vector>

#include "rules/conventions.h"

namespace onnxray {

/// Points in [0, 1] and weights that sum to 1.
struct Quadrature {
  std::vector<double> points, weights;
};

/// `n` points; the trapezoid has n intervals, so n + 1 points.
Quadrature quadrature(Conventions::Quadrature kind, int64_t n);

}  // namespace onnxray
