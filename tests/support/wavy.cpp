#include "tests/support/wavy.h"

#include <cmath>

namespace onnxray {

Tensor wavy(Shape shape, int seed, double scale, double offset) {
  Tensor t(DType::f64, std::move(shape));
  auto out = t.mutable_data<double>();
  for (size_t i = 0; i < out.size(); ++i) {
    // Multiples of the golden ratio are spread evenly and never equal.
    double u = 0.6180339887498949 * (static_cast<double>(i) + 1) + 0.37 * seed;
    u -= std::floor(u);
    const double sign = u < 0.5 ? -1 : 1;
    out[i] = offset + scale * sign * (0.1 + 0.8 * std::fabs(2 * u - 1));
  }
  return t;
}

}  // namespace onnxray
