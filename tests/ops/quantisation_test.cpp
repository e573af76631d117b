#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

Tensor bytes(Shape shape, const std::vector<uint8_t>& values) {
  return Tensor::of<uint8_t>(std::move(shape), values);
}
Tensor signed_bytes(Shape shape, const std::vector<int8_t>& values) {
  return Tensor::of<int8_t>(std::move(shape), values);
}
Tensor real(Shape shape, const std::vector<double>& values) {
  return Tensor::of<double>(std::move(shape), values);
}

TEST_CASE("quantising rounds to even, adds the zero point, and stays in the integer's range") {
  const Tensor y = OneNode("QuantizeLinear", 13)
                       .input({6}, {0.5, 1.5, 3, -1, 1000, -1000})
                       .input({}, {1})
                       .constant(bytes({}, {10}))
                       .run();
  CHECK(y.dtype() == DType::u8);
  CHECK(y.to_int64s() == std::vector<int64_t>{10, 12, 13, 9, 255, 0});
}

TEST_CASE("dequantising takes a scale per axis, or one for each block of an axis") {
  const Tensor per_axis = OneNode("DequantizeLinear", 13)
                              .attr("axis", int64_t{0})
                              .constant(signed_bytes({2, 2}, {1, 2, 3, 4}))
                              .input({2}, {0.5, 2})
                              .constant(signed_bytes({2}, {0, 1}))
                              .run();
  CHECK(per_axis.as_double(1) == 1);
  CHECK(per_axis.as_double(3) == 6);
  const Tensor blocked = OneNode("DequantizeLinear", 21)
                             .attr("axis", int64_t{0})
                             .attr("block_size", int64_t{2})
                             .constant(signed_bytes({3, 1}, {1, 1, 1}))
                             .input({2, 1}, {10, 100})
                             .run();
  CHECK(blocked.as_double(1) == 10);
  CHECK(blocked.as_double(2) == 100);
}

TEST_CASE("a scale that fits neither the axis nor the blocks is refused") {
  CHECK_THAT(OneNode("QuantizeLinear", 13).input({2, 3}, {1, 2, 3, 4, 5, 6}).input({2}, {1, 1}).error(),
             Catch::Contains("a scale [2] for axis 1 of a tensor [2,3]"));
}

TEST_CASE("integer products subtract the zero points first") {
  const Tensor y = OneNode("MatMulInteger", 10)
                       .constant(bytes({1, 2}, {12, 7}))
                       .constant(bytes({2, 1}, {3, 5}))
                       .constant(bytes({}, {10}))
                       .constant(bytes({1}, {4}))
                       .run();
  CHECK(y.dtype() == DType::i32);
  CHECK(y.as_int64(0) == (12 - 10) * (3 - 4) + (7 - 10) * (5 - 4));
}

TEST_CASE("a quantised convolution is the convolution between dequantising and quantising") {
  const auto node = [] {
    return OneNode("QLinearConv", 10)
        .constant(bytes({1, 1, 2, 2}, {11, 12, 13, 14}))
        .constant(real({}, {0.5}))
        .constant(bytes({}, {10}))
        .constant(bytes({1, 1, 1, 1}, {7}))
        .constant(real({1}, {2}))
        .constant(bytes({1}, {5}))
        .constant(real({}, {1}))
        .constant(bytes({}, {100}))
        .constant(Tensor::of<int32_t>({1}, {3}));
  };
  // (q - 10) / 2 * (7 - 5) * 2 + 3 * (0.5 * 2), in steps of 1 from 100
  CHECK(node().run().to_int64s() == std::vector<int64_t>{105, 107, 109, 111});
}

TEST_CASE("a dynamic grid spans zero and all data") {
  const auto all = OneNode("DynamicQuantizeLinear", 11).input({3}, {-1, 0, 4.1}).outputs(3).run_all();
  CHECK(all[0].to_int64s() == std::vector<int64_t>{0, 50, 255});
  CHECK(all[1].as_double(0) == Approx(5.1 / 255));
  CHECK(all[2].as_int64(0) == 50);
}

TEST_CASE("the dynamic grid of zeros has steps of 1 from 0, and NaN reaches its scale") {
  const auto zeros = OneNode("DynamicQuantizeLinear", 11).input({2}, {0, 0}).outputs(3).run_all();
  CHECK(zeros[0].to_int64s() == std::vector<int64_t>{0, 0});
  CHECK(zeros[1].as_double(0) == 1);
  CHECK(zeros[2].as_int64(0) == 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto broken = OneNode("DynamicQuantizeLinear", 11).input({2}, {nan, 1}).outputs(3).run_all();
  CHECK(std::isnan(broken[1].as_double(0)));
}

}  // namespace
}  // namespace onnxray
