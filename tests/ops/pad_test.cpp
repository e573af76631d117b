#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

std::vector<double> padded(const char* mode, const std::vector<int64_t>& pads) {
  return OneNode("Pad", 19)
      .attr("mode", std::string(mode))
      .input(counting({3}))
      .constant(pads)
      .run()
      .to_doubles();
}

}  // namespace

TEST_CASE("padding modes repeat the axis as numpy does, also far beyond its extent", "[ops]") {
  CHECK(padded("constant", {1, 2}) == std::vector<double>{0, 1, 2, 3, 0, 0});
  CHECK(padded("edge", {2, 1}) == std::vector<double>{1, 1, 1, 2, 3, 3});
  CHECK(padded("reflect", {3, 5}) == std::vector<double>{2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2});
  CHECK(padded("wrap", {2, 4}) == std::vector<double>{2, 3, 1, 2, 3, 1, 2, 3, 1});
}

TEST_CASE("negative pads remove elements in every mode", "[ops]") {
  CHECK(padded("constant", {-1, 1}) == std::vector<double>{2, 3, 0});
  CHECK(padded("edge", {2, -2}) == std::vector<double>{1, 1, 1});
  CHECK(padded("constant", {-1, -1}) == std::vector<double>{2});
}

TEST_CASE("integers are padded like reals", "[ops]") {
  const Tensor x = Tensor::of<int64_t>({3}, {1, 2, 3});
  const Tensor y = OneNode("Pad", 13).attr("mode", std::string("reflect")).input(x).constant({1, 1}).run();
  CHECK(y.to_int64s() == std::vector<int64_t>{2, 1, 2, 3, 2});
}

TEST_CASE("the fill may be computed by the model, and pads may name axes", "[ops]") {
  const Tensor fill = Tensor::scalar(7.0);
  const Tensor y =
      OneNode("Pad", 18).input(counting({2, 2})).constant({1, 0}).input(fill).constant({-1}).run();
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.to_doubles() == std::vector<double>{7, 1, 2, 7, 3, 4});
}

TEST_CASE("pad says what does not fit", "[ops]") {
  CHECK_THAT(OneNode("Pad", 13).input(counting({3})).constant({1}).error(),
             Catch::Contains("1 pads for 1 axes"));
  CHECK_THAT(OneNode("Pad", 13).input(counting({3})).constant({-2, -2}).error(),
             Catch::Contains("remove more than axis 0"));
  CHECK_THAT(
      OneNode("Pad", 13).attr("mode", std::string("mirror")).input(counting({3})).constant({1, 1}).error(),
      Catch::Contains("'mirror'"));
  CHECK_THAT(OneNode("Pad", 13).input(counting({3})).input(Tensor::of<int64_t>({2}, {1, 1})).error(),
             Catch::Contains("pads (input 1) depends on the data"));
}
