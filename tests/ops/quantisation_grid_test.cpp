#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Doubles = std::vector<double>;

/// A grid of bytes with steps of 0.5 and the zero point 10: from -5 to 122.5.
OneNode grid(const char* op, const Doubles& x) {
  return OneNode(op, 1, "onnxray")
      .attr("low", 0.0)
      .attr("high", 255.0)
      .input({static_cast<int64_t>(x.size())}, x)
      .constant(Tensor::of<double>({}, {0.5}))
      .constant(Tensor::of<uint8_t>({}, {10}));
}

TEST_CASE("saturation cuts off only what rounds to a step below the first", "[ops]") {
  CHECK(grid("Saturate", {-9, -5.2, 0.3, 122.6, 500}).run().to_doubles() ==
        Doubles{-5, -5.2, 0.3, 122.6, 500});
}

TEST_CASE("rounding to a grid ends at the grid's ends", "[ops]") {
  CHECK(grid("RoundToGrid", {-9, -5.2, 0.3, 0.75, 122.6, 500}).run().to_doubles() ==
        Doubles{-5, -5, 0.5, 1, 122.5, 122.5});
}

TEST_CASE("a grid may stand at an offset, and run backwards", "[ops]") {
  // Steps of -2 from 100 (k = 0) down to 100 - 2 * 3 (k = 3).
  const auto moved = [](const char* op) {
    return OneNode(op, 1, "onnxray")
        .attr("low", 0.0)
        .attr("high", 3.0)
        .input({5}, {104, 99.5, 97, 94.2, 80})
        .constant(Tensor::of<double>({}, {-2}))
        .omit()
        .constant(Tensor::of<double>({1}, {100}));
  };
  CHECK(moved("Saturate").run().to_doubles() == Doubles{100, 99.5, 97, 94.2, 80});
  CHECK(moved("RoundToGrid").run().to_doubles() == Doubles{100, 100, 96, 94, 94});
}

TEST_CASE("a grid has a scale for each place of an axis", "[ops]") {
  const Tensor y = OneNode("RoundToGrid", 1, "onnxray")
                       .attr("low", -128.0)
                       .attr("high", 127.0)
                       .attr("axis", int64_t{1})
                       .input({1, 2, 2}, {0.7, 1.2, 7, 12})
                       .constant(Tensor::of<double>({2}, {1, 10}))
                       .run();
  CHECK(y.to_doubles() == Doubles{1, 1, 10, 10});
}

TEST_CASE("a grid without a scale is the one that DynamicQuantizeLinear finds", "[ops]") {
  const Doubles x{-1, 0, 4.1, 0.013};
  const auto q = OneNode("DynamicQuantizeLinear", 11).input({4}, x).outputs(3).run_all();
  const Tensor y = OneNode("RoundToGrid", 1, "onnxray").input({4}, x).run();
  for (int64_t i = 0; i < 4; ++i) {
    const double steps = q[0].as_double(i) - q[2].as_double(0);
    CHECK(y.as_double(i) == Approx(steps * q[1].as_double(0)).epsilon(1e-14));
  }
  CHECK(OneNode("RoundToGrid", 1, "onnxray").input({2}, {0, 0}).run().to_doubles() == Doubles{0, 0});
}

TEST_CASE("NaN is on no grid and stays", "[ops]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const char* op : {"Saturate", "RoundToGrid"}) CHECK(std::isnan(grid(op, {nan}).run().as_double(0)));
  const Tensor dynamic = OneNode("RoundToGrid", 1, "onnxray").input({2}, {nan, 1}).run();
  CHECK(std::isnan(dynamic.as_double(0)));
  CHECK(std::isnan(dynamic.as_double(1)));
}

}  // namespace
}  // namespace onnxray
