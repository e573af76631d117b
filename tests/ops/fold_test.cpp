#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;

TEST_CASE("columns add up where their blocks overlap") {
  // Blocks of two with stride one over an image row of three: the middle lies in both.
  const Tensor y =
      OneNode("Col2Im", 18).input({1, 2, 2}, {1, 2, 10, 20}).constant({1, 3}).constant({1, 2}).run();
  CHECK(y.shape() == Shape{1, 1, 1, 3});
  CHECK(y.to_int64s() == Ints{1, 12, 20});
}

TEST_CASE("unpooling puts each winner back where the pool found it") {
  const Tensor x = Tensor::of<double>({1, 1, 4}, {1, 5, 7, 2});
  const auto pooled = OneNode("MaxPool", 12)
                          .attr("kernel_shape", Ints{2})
                          .attr("strides", Ints{2})
                          .input(x)
                          .outputs(2)
                          .run_all();
  const Tensor y = OneNode("MaxUnpool", 11)
                       .attr("kernel_shape", Ints{2})
                       .attr("strides", Ints{2})
                       .input(pooled[0])
                       .input(pooled[1])
                       .run();
  CHECK(y.to_int64s() == Ints{0, 5, 7, 0});
}

TEST_CASE("a centre is cut out, or padded with the odd element at the end") {
  const auto row = [](int64_t n) {
    return OneNode("CenterCropPad", 18).input(counting({4})).constant({n}).run();
  };
  CHECK(row(2).to_int64s() == Ints{2, 3});
  CHECK(row(7).to_int64s() == Ints{0, 1, 2, 3, 4, 0, 0});
}

TEST_CASE("compressing keeps the slices where a known condition holds") {
  const auto node = [] { return OneNode("Compress", 11).attr("axis", int64_t{1}).input(counting({2, 3})); };
  CHECK(node().constant({1, 0, 1}).run().to_int64s() == Ints{1, 3, 4, 6});
  CHECK_THAT(node().input({3}, {1, 0, 1}).error(),
             Catch::Contains("its condition (input 1) depends on the data"));
}

TEST_CASE("the places of what is not zero come in row-major order") {
  const Tensor y = OneNode("NonZero", 13).constant(Tensor::of<int64_t>({2, 2}, {1, 0, 4, 5})).run();
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.to_int64s() == Ints{0, 1, 1, 0, 0, 1});
}

TEST_CASE("a running product may be exclusive and reversed") {
  const auto node = [](int64_t exclusive, int64_t reverse) {
    return OneNode("CumProd", 26)
        .attr("exclusive", exclusive)
        .attr("reverse", reverse)
        .input(counting({4}))
        .constant(Tensor::scalar(int64_t{0}))
        .run()
        .to_int64s();
  };
  CHECK(node(0, 0) == Ints{1, 2, 6, 24});
  CHECK(node(1, 0) == Ints{1, 1, 2, 6});
  CHECK(node(1, 1) == Ints{24, 12, 4, 1});
}

}  // namespace
}  // namespace onnxray
