#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

Shape shape_of(OneNode& node) {
  const Program program = node.lower();
  return program[program.outputs[0].var].shape;
}

Shape reshaped(const Shape& from, const std::vector<int64_t>& to, int64_t allow_zero = 0) {
  return shape_of(
      OneNode("Reshape", 14).attr("allowzero", allow_zero).input(Tensor(DType::f32, from)).constant(to));
}

}  // namespace

TEST_CASE("reshape copies extents for 0 and infers -1", "[ops]") {
  CHECK(reshaped({2, 3, 4}, {0, -1}) == Shape{2, 12});
  CHECK(reshaped({2, 3, 4}, {-1}) == Shape{24});
  CHECK(reshaped({0, 3}, {3, 0}, 1) == Shape{3, 0});
  CHECK(reshaped({0, 3}, {-1, 3}) == Shape{0, 3});
}

TEST_CASE("reshape says what does not fit", "[ops]") {
  const auto error = [](const std::vector<int64_t>& to) {
    return OneNode("Reshape", 14).input(counting({2, 3})).constant(to).error();
  };
  CHECK_THAT(error({4, -1}), Catch::Contains("cannot reshape [2,3] to [4,-1]"));
  CHECK_THAT(error({2, 3, 0}), Catch::Contains("copies extent 2"));
  CHECK_THAT(error({7}), Catch::Contains("cannot reshape [2,3] to [7]"));
}

TEST_CASE("shapes are constants that cost no step", "[ops]") {
  const Program program = OneNode("Shape", 15).attr("start", int64_t{-2}).input(counting({2, 3, 4})).lower();
  CHECK(program.steps.empty());
  CHECK(program[program.outputs[0].var].constant->to_int64s() == std::vector<int64_t>{3, 4});
}

TEST_CASE("squeeze undoes unsqueeze, by attribute and by input", "[ops]") {
  const Shape wide = shape_of(OneNode("Unsqueeze", 13).input(counting({2, 3})).constant({-1, 0}));
  CHECK(wide == Shape{1, 2, 3, 1});
  CHECK(shape_of(OneNode("Unsqueeze", 11).attr("axes", std::vector<int64_t>{0, 3}).input(counting({2, 3}))) ==
        wide);
  CHECK(shape_of(OneNode("Squeeze", 13).input(Tensor(DType::f32, wide)).constant({0, -1})) == Shape{2, 3});
  CHECK(shape_of(OneNode("Squeeze", 11).input(Tensor(DType::f32, wide))) == Shape{2, 3});
  CHECK_THAT(OneNode("Squeeze", 13).input(counting({2, 3})).constant({0}).error(),
             Catch::Contains("cannot squeeze axis 0"));
  CHECK_THAT(OneNode("Unsqueeze", 13).input(counting({2})).constant({0, 0}).error(),
             Catch::Contains("one axis twice"));
}

TEST_CASE("space to depth undoes depth to space in both orders", "[ops]") {
  const std::string mode = GENERATE("DCR", "CRD");
  const Tensor x = counting({2, 8, 3, 2});
  const Tensor image =
      OneNode("DepthToSpace", 13).attr("mode", mode).attr("blocksize", int64_t{2}).input(x).run();
  CHECK(image.shape() == Shape{2, 2, 6, 4});
  const Tensor depth =
      OneNode("SpaceToDepth", 28).attr("mode", mode).attr("blocksize", int64_t{2}).input(image).run();
  CHECK(depth.to_doubles() == x.to_doubles());
}

TEST_CASE("tile repeats the whole axis", "[ops]") {
  const Tensor y = OneNode("Tile", 13).input(counting({2, 2})).constant({2, 2}).run();
  CHECK(y.to_doubles() == std::vector<double>{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4});
}
