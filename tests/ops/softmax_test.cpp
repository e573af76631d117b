#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

TEST_CASE("a negative axis of an old LogSoftmax counts from the last axis", "[ops]") {
  for (const int64_t opset : {1, 11, 13}) {
    const Tensor y =
        OneNode("LogSoftmax", opset).attr("axis", int64_t{-1}).input({2, 2}, {0.0, 0.0, 1.0, 3.0}).run();
    // Each row sums to one by itself; the tolerance is a few rounding errors of a double.
    CHECK(y.as_double(0) == Approx(-std::log(2.0)).epsilon(1e-14));
    CHECK(y.as_double(2) == Approx(-std::log(1.0 + std::exp(2.0))).epsilon(1e-14));
  }
}

}  // namespace onnxray
