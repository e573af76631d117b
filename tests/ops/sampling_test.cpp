#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

const Tensor kImage = wavy({1, 2, 3, 4}, 1);

OneNode sample(const std::string& mode, const std::string& padding, const Tensor& grid) {
  return OneNode("GridSample", 20)
      .attr("mode", mode)
      .attr("padding_mode", padding)
      .attr("align_corners", int64_t{1})
      .input(kImage)
      .input(grid);
}

TEST_CASE("a regular grid reads the image itself, in every mode") {
  const Tensor identity = Tensor::of<double>({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  const Tensor grid = OneNode("AffineGrid", 20)
                          .attr("align_corners", int64_t{1})
                          .input(identity)
                          .constant({1, 2, 3, 4})
                          .run();
  CHECK(grid.shape() == Shape{1, 3, 4, 2});
  for (const char* mode : {"linear", "nearest", "cubic"}) {
    const Tensor y = sample(mode, "zeros", grid).run();
    REQUIRE(y.shape() == kImage.shape());
    // The places are multiples of 1/3 in double.
    for (int64_t i = 0; i < y.size(); ++i) CHECK(y.as_double(i) == Approx(kImage.as_double(i)).margin(1e-12));
  }
}

TEST_CASE("beyond the image there are zeros, the border or its reflection") {
  // One place, one element and a half to the right of the last column's centre, in the first row.
  const Tensor beyond = Tensor::of<double>({1, 1, 1, 2}, {2, -1});
  CHECK(sample("linear", "zeros", beyond).run().as_double(0) == 0);
  CHECK(sample("linear", "border", beyond).run().as_double(0) == kImage.as_double(3));
  const double reflected = 0.5 * (kImage.as_double(1) + kImage.as_double(2));
  CHECK(sample("linear", "reflection", beyond).run().as_double(0) == Approx(reflected));
}

TEST_CASE("the mean over a region of a constant image is that constant") {
  const Tensor ones = Tensor::filled(DType::f64, {2, 3, 5, 5}, 1);
  const Tensor y = OneNode("RoiAlign", 16)
                       .attr("output_height", int64_t{2})
                       .attr("output_width", int64_t{3})
                       .attr("sampling_ratio", int64_t{2})
                       .input(ones)
                       .input({1, 4}, {1, 1, 3, 4})
                       .constant({1})
                       .run();
  CHECK(y.shape() == Shape{1, 3, 2, 3});
  for (int64_t i = 0; i < y.size(); ++i) CHECK(y.as_double(i) == Approx(1));
}

TEST_CASE("a grid of another batch, and samples that the regions decide, are refused") {
  CHECK_THAT(sample("linear", "zeros", wavy({2, 1, 1, 2}, 1)).error(),
             Catch::Contains("a grid [2,1,1,2] for an image [1,2,3,4]"));
  CHECK_THAT(OneNode("RoiAlign", 16).input(kImage).input({1, 4}, {0, 0, 1, 1}).constant({0}).error(),
             Catch::Contains("export it with a fixed one"));
}

}  // namespace
}  // namespace onnxray
