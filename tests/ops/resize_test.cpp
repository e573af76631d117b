#include <numeric>

#include "ops/interpolation.h"
#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

std::vector<double> row_sums(const AxisTable& table) {
  std::vector<double> sums;
  for (size_t o = 0; o + 1 < table.offsets.size(); ++o) {
    sums.push_back(std::accumulate(table.weight.begin() + table.offsets[o],
                                   table.weight.begin() + table.offsets[o + 1], 0.0));
  }
  return sums;
}

}  // namespace

TEST_CASE("interpolation weights of every output sum to one", "[ops]") {
  const auto mode =
      GENERATE(Interpolation::Mode::nearest, Interpolation::Mode::linear, Interpolation::Mode::cubic);
  const auto coordinates =
      GENERATE("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric");
  const bool exclude_outside = GENERATE(false, true), antialias = GENERATE(false, true);
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{5, 12}, {12, 5}, {7, 7}, {1, 4}, {4, 1}}) {
    const Interpolation how{
        .mode = mode, .coordinates = coordinates, .exclude_outside = exclude_outside, .antialias = antialias};
    const ResizeAxis axis{.in = in, .out = out, .scale = static_cast<double>(out) / static_cast<double>(in)};
    const AxisTable table = interpolate(how, axis).table;
    for (const double sum : row_sums(table)) CHECK(sum == Approx(1).epsilon(1e-12));  // normalised in double
    for (const int64_t place : table.index) CHECK((place >= 0 && place < in));
  }
}

TEST_CASE("an axis of unchanged extent is the identity and emits no step", "[ops]") {
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    const Program program = OneNode("Resize", 19)
                                .attr("mode", std::string(mode))
                                .input(counting({1, 2, 3, 4}))
                                .omit()
                                .omit()
                                .constant({1, 2, 6, 4})
                                .lower();
    CHECK(program.steps.size() == 1);
    CHECK(program[program.outputs[0].var].shape == Shape{1, 2, 6, 4});
  }
}

TEST_CASE("nearest keeps thirds exact although scales are float32", "[ops]") {
  // 1 / float(1/3) is 2.99999991, whose floor would be 2.
  const Interpolation how{
      .mode = Interpolation::Mode::nearest, .coordinates = "asymmetric", .rounding = "floor"};
  const AxisTable table =
      interpolate(how, {.in = 9, .out = 3, .scale = static_cast<double>(1.0F / 3.0F)}).table;
  CHECK(table.index == std::vector<int64_t>{0, 3, 6});
}

TEST_CASE("a crop that leaves the image reads the extrapolation value in both axes", "[ops]") {
  const Tensor roi = Tensor::of<float>({4}, {0.0F, 0.0F, 2.0F, 1.0F});
  const Tensor y = OneNode("Resize", 13)
                       .attr("mode", std::string("linear"))
                       .attr("coordinate_transformation_mode", std::string("tf_crop_and_resize"))
                       .attr("extrapolation_value", 10.0)
                       .input(counting({2, 2}))
                       .constant(roi)
                       .omit()
                       .constant({3, 2})
                       .run();
  CHECK(y.to_doubles() == std::vector<double>{1, 2, 3, 4, 10, 10});
}

TEST_CASE("resize answers unknown modes and missing sizes", "[ops]") {
  const auto resize = [](const char* name, const char* value) {
    return OneNode("Resize", 13)
        .attr(name, std::string(value))
        .input(counting({2, 2}))
        .omit()
        .omit()
        .constant({4, 4})
        .error();
  };
  CHECK_THAT(resize("mode", "lanczos"), Catch::Contains("'lanczos'"));
  CHECK_THAT(resize("coordinate_transformation_mode", "corner"), Catch::Contains("'corner'"));
  CHECK_THAT(resize("nearest_mode", "up"), Catch::Contains("'up'"));
  CHECK_THAT(OneNode("Resize", 13).input(counting({2, 2})).error(),
             Catch::Contains("neither scales nor sizes"));
  CHECK_THAT(OneNode("Resize", 13).input(counting({2, 2})).omit().omit().constant({4}).error(),
             Catch::Contains("1 sizes for 2 axes"));
}
