#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Doubles = std::vector<double>;

TEST_CASE("Gemm scales the product by alpha and C by beta", "[ops]") {
  for (const bool constant_left : {false, true}) {
    OneNode gemm("Gemm", 13);
    const Tensor a = counting({2, 2});
    if (constant_left)
      gemm.constant(a);
    else
      gemm.input(a);
    gemm.input({2, 2}, {1, 0, 0, 1})
        .input({2, 1}, {10, 20})
        .attr("transA", int64_t{1})
        .attr("alpha", 2.0)
        .attr("beta", 0.5);
    CHECK(gemm.run().to_doubles() == Doubles{2 + 5, 6 + 5, 4 + 10, 8 + 10});
  }
}

TEST_CASE("Gemm leaves C alone where beta is zero", "[ops]") {
  const Tensor y =
      OneNode("Gemm", 7).input({1, 1}, {2}).input({1, 1}, {3}).input({1}, {NAN}).attr("beta", 0.0).run();
  CHECK(y.to_doubles() == Doubles{6});
}

TEST_CASE("Gemm refuses what is not two matrices and a bias that enlarges the result", "[ops]") {
  CHECK_THAT(OneNode("Gemm", 13).input({1, 1, 1}, {1}).input({1, 1}, {1}).error(),
             Catch::Contains("not matrices"));
  for (const double alpha : {1.0, 2.0}) {
    OneNode gemm = OneNode("Gemm", 13).input({1, 1}, {1}).input({1, 1}, {1}).input({3, 1}, {1, 2, 3});
    CHECK_THAT(gemm.attr("alpha", alpha).error(), Catch::Contains("bias [3,1] does not broadcast"));
  }
}

TEST_CASE("Gemm refuses to scale integers by a fraction", "[ops]") {
  const Tensor one = Tensor::of<int64_t>({1, 1}, {4});
  CHECK(OneNode("Gemm", 13).input(one).input(one).attr("alpha", 2.0).run().to_doubles() == Doubles{32});
  CHECK_THAT(OneNode("Gemm", 13).input(one).input(one).attr("alpha", 0.5).error(), Catch::Contains("0.5"));
}

TEST_CASE("MatMul treats vectors as numpy does", "[ops]") {
  const auto shape = [](Shape a, Shape b) {
    return OneNode("MatMul", 13).input(counting(a)).input(counting(b)).run().shape();
  };
  CHECK(shape({3}, {3}) == Shape{});
  CHECK(shape({3}, {3, 4}) == Shape{4});
  CHECK(shape({2, 3}, {3}) == Shape{2});
  CHECK(shape({3}, {5, 3, 4}) == Shape{5, 4});
  CHECK(shape({5, 2, 3}, {3}) == Shape{5, 2});
  CHECK(shape({5, 1, 2, 3}, {6, 3, 4}) == Shape{5, 6, 2, 4});
}

}  // namespace onnxray
