#include "tests/support/agreement.h"

#include <cmath>

namespace onnxray::test {

/// Rules that part contributions by sign take halves as P = (a + z) / 2, a = |x| * |w|: what float rounding
/// leaves in a and z, some 1e-7 of a, weighs a / P times more in P, and a / P reaches hundreds where P still
/// matters.
double float_tolerance(const std::string& method) {
  for (const char* part : {"alpha", "sequential", "plus", "gamma", "excitation"}) {
    if (method.find(part) != std::string::npos) return 5e-5;
  }
  return 1e-5;
}

Tensor nudged(const Tensor& x, int draw) {
  std::vector<double> values = x.to_doubles();
  for (double& v : values) v *= 1 + std::ldexp(std::cos(1e4 * (1 + draw) * v + draw), -22);
  return Tensor::of<double>(x.shape(), values).to(x.dtype());
}

}  // namespace onnxray::test
