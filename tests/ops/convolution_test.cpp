#include <numeric>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

double dot(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a.as_double(i) * b.as_double(i);
  return sum;
}

OneNode transposed_1d() {
  return OneNode("ConvTranspose", 11)
      .input(counting({1, 1, 3}))
      .input({1, 1, 2}, {1, 1})
      .attr("strides", Ints{2});
}

}  // namespace

TEST_CASE("a convolution over three spatial axes sums its window", "[ops]") {
  const Tensor y =
      OneNode("Conv", 11).input(counting({1, 1, 2, 2, 3})).input({1, 1, 2, 2, 2}, Doubles(8, 1)).run();
  CHECK(y.shape() == Shape{1, 1, 1, 1, 2});
  // 1+2+4+5+7+8+10+11, and each of the eight one larger.
  CHECK(y.to_doubles() == Doubles{48, 56});
}

TEST_CASE("negative pads of a convolution crop its input", "[ops]") {
  const Tensor y = OneNode("Conv", 11)
                       .attr("pads", Ints{-1, -2})
                       .input(counting({1, 1, 6}))
                       .input({1, 1, 2}, {1, 10})
                       .run();
  CHECK(y.to_doubles() == Doubles{32, 43});
}

TEST_CASE("ConvTranspose is the adjoint of Conv", "[ops]") {
  const auto set = [](OneNode node) {
    return node.attr("strides", Ints{2, 1, 3})
        .attr("dilations", Ints{1, 2, 1})
        .attr("pads", Ints{1, 0, 2, 0, 1, 1})
        .attr("group", int64_t{2});
  };
  const Tensor x = counting({2, 4, 5, 6, 7}), w = counting({6, 2, 3, 2, 2});
  const Tensor z = set(OneNode("Conv", 11).input(x).input(w)).run();
  const Tensor g = counting(z.shape());
  // The strides leave a remainder along the first and the last axis, which output_padding restores.
  Ints extra;
  for (size_t i = 0; i < 3; ++i) {
    const Ints strides{2, 1, 3}, reach{3, 3, 2}, pads{1, 1, 3};
    extra.push_back((x.shape()[i + 2] + pads[i] - reach[i]) % strides[i]);
  }
  const Tensor back = set(OneNode("ConvTranspose", 11).input(g).input(w)).attr("output_padding", extra).run();
  CHECK(dot(z, g) == dot(x, back));  // integers below 2^53: exact
}

TEST_CASE("output_padding appends places that only the bias reaches", "[ops]") {
  const Tensor y = transposed_1d().input({1}, {0.5}).attr("output_padding", Ints{1}).run();
  CHECK(y.to_doubles() == Doubles{1.5, 1.5, 2.5, 2.5, 3.5, 3.5, 0.5});
}

TEST_CASE("output_shape decides the padding, the larger half at the start unless SAME_UPPER", "[ops]") {
  CHECK(transposed_1d().attr("output_shape", Ints{5}).run().to_doubles() == Doubles{1, 2, 2, 3, 3});
  CHECK(transposed_1d().attr("output_shape", Ints{1, 1, 5}).run().to_doubles() == Doubles{1, 2, 2, 3, 3});
  CHECK(transposed_1d()
            .attr("output_shape", Ints{5})
            .attr("auto_pad", std::string("SAME_UPPER"))
            .run()
            .to_doubles() == Doubles{1, 1, 2, 2, 3});
  CHECK(transposed_1d().attr("auto_pad", std::string("SAME_LOWER")).run().shape() == Shape{1, 1, 6});
}

TEST_CASE("a convolution's bad attributes are named", "[ops]") {
  const auto conv = [] { return OneNode("Conv", 11).input(counting({1, 3, 5})).input(counting({2, 3, 2})); };
  CHECK_THAT(conv().attr("kernel_shape", Ints{3}).error(), Catch::Contains("'kernel_shape' is [3]"));
  CHECK_THAT(conv().attr("group", int64_t{2}).error(), Catch::Contains("2 groups"));
  CHECK_THAT(conv().input({3}, {1, 2, 3}).error(), Catch::Contains("bias [3] for 2 channels"));
  const auto square = [] {
    return OneNode("ConvTranspose", 11).input(counting({1, 1, 2, 2})).input(counting({1, 1, 2, 2}));
  };
  CHECK_THAT(square().attr("output_shape", Ints{4}).error(),
             Catch::Contains("'output_shape' has 1 entries, expected 2"));
  CHECK_THAT(square().attr("output_padding", Ints{1}).error(),
             Catch::Contains("'output_padding' has 1 entries"));
  CHECK_THAT(square().attr("output_padding", Ints{0, -1}).error(), Catch::Contains("has an entry -1"));
}

}  // namespace onnxray
