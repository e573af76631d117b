#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

/// Distinct values without order: 7 i mod 113, as 113 is prime.
Tensor scrambled(const Shape& shape) {
  Doubles values;
  for (int64_t i = 0; i < element_count(shape); ++i) values.push_back(static_cast<double>(7 * (i + 1) % 113));
  return Tensor::of<double>(shape, values);
}

OneNode max_pool_3d(const Tensor& x) {
  return OneNode("MaxPool", 12)
      .input(x)
      .outputs(2)
      .attr("kernel_shape", Ints{2, 2, 3})
      .attr("strides", Ints{1, 2, 1})
      .attr("dilations", Ints{2, 1, 1})
      .attr("pads", Ints{1, 0, 1, 0, 1, 1});
}

OneNode average_1d(Tensor x, int64_t opset = 19) {
  return OneNode("AveragePool", opset).input(std::move(x)).attr("kernel_shape", Ints{3});
}

}  // namespace

TEST_CASE("the indices of a max pooling lead to its maxima", "[ops]") {
  const Tensor x = scrambled({1, 2, 3, 4, 4});
  const std::vector<Tensor> out = max_pool_3d(x).run_all();
  REQUIRE(out[1].dtype() == DType::i64);
  for (int64_t i = 0; i < out[0].size(); ++i) CHECK(x.as_double(out[1].as_int64(i)) == out[0].as_double(i));
}

TEST_CASE("storage_order 1 counts a max pooling's indices with the first spatial axis fastest", "[ops]") {
  const Tensor x = scrambled({1, 2, 3, 4, 4});
  const std::vector<Tensor> rows = max_pool_3d(x).run_all();
  const std::vector<Tensor> columns = max_pool_3d(x).attr("storage_order", int64_t{1}).run_all();
  for (int64_t i = 0; i < rows[1].size(); ++i) {
    const int64_t at = rows[1].as_int64(i), plane = at / 48;
    const int64_t d = at / 16 % 3, h = at / 4 % 4, w = at % 4;
    CHECK(columns[1].as_int64(i) == plane * 48 + d + 3 * h + 12 * w);
  }
}

TEST_CASE("a max pooling of negative integers never sees its padding", "[ops]") {
  const Tensor x = Tensor::of<int8_t>({1, 1, 3}, {-5, -128, -7});
  const Tensor y =
      OneNode("MaxPool", 12).input(x).attr("kernel_shape", Ints{2}).attr("pads", Ints{1, 1}).run();
  CHECK(y.to_doubles() == Doubles{-5, -5, -7, -7});
}

TEST_CASE("an average counts padding only where it is told to, and never what ceil mode adds", "[ops]") {
  const auto node = [] {
    return average_1d(counting({1, 1, 4}))
        .attr("strides", Ints{2})
        .attr("pads", Ints{1, 0})
        .attr("ceil_mode", int64_t{1});
  };
  // Windows {pad, 1, 2} and {2, 3, 4}; with a second one in ceil mode over an input of 5: {4, 5, nothing}.
  CHECK(node().run().to_doubles() == Doubles{1.5, 3});
  CHECK(node().attr("count_include_pad", int64_t{1}).run().to_doubles() == Doubles{1, 3});
  const Tensor longer = average_1d(counting({1, 1, 5}))
                            .attr("strides", Ints{3})
                            .attr("ceil_mode", int64_t{1})
                            .attr("count_include_pad", int64_t{1})
                            .run();
  CHECK(longer.to_doubles() == Doubles{2, 4.5});
}

TEST_CASE("a dilated average divides by the taps that lie inside", "[ops]") {
  const Tensor y = average_1d(counting({1, 1, 5})).attr("dilations", Ints{2}).attr("pads", Ints{2, 2}).run();
  CHECK(y.to_doubles() == Doubles{2, 3, 3, 3, 4});
}

TEST_CASE("averages are exact in double where counts differ", "[ops]") {
  const Tensor y = average_1d(Tensor::of<double>({1, 1, 3}, {3, 3, 1})).attr("pads", Ints{1, 1}).run();
  // 7 * (1/3): one rounding of a double, where a count held in float would be off by 1e-8.
  CHECK(y.as_double(1) == Approx(7.0 / 3).epsilon(1e-15));
}

TEST_CASE("an average over padding alone is zero", "[ops]") {
  OneNode pool = OneNode("AveragePool", 11).input({1, 1, 1}, {4}).attr("kernel_shape", Ints{1});
  CHECK(pool.attr("pads", Ints{2, 0}).run().to_doubles() == Doubles{0, 0, 4});
  CHECK(pool.attr("strides", Ints{3}).run().to_doubles() == Doubles{0});
}

TEST_CASE("an Lp pooling is the norm of each window, and zero where the window is zero", "[ops]") {
  const auto node = [](int64_t p) {
    return OneNode("LpPool", 18).input({1, 1, 4}, {3, -4, 0, 0}).attr("kernel_shape", Ints{2}).attr("p", p);
  };
  CHECK(node(1).run().to_doubles() == Doubles{7, 4, 0});
  CHECK(node(2).run().to_doubles() == Doubles{5, 4, 0});
  const Tensor cubic = node(3).run();
  CHECK(cubic.as_double(0) == Approx(std::cbrt(91.0)).epsilon(1e-14));  // two powers: a few roundings
  CHECK(cubic.as_double(2) == 0);
  CHECK_THAT(node(0).error(), Catch::Contains("'p' is 0"));
  CHECK(OneNode("GlobalLpPool", 1).input({1, 1, 2}, {3, 4}).attr("p", 2.0).run().to_doubles() == Doubles{5});
}

}  // namespace onnxray
