#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

/// x [2,3,2,3] and b [3]: as channels or as columns.
const Tensor kX = wavy({2, 3, 2, 3}, 1), kB = Tensor::of<double>({3}, {10, 20, 30});

double channel(int64_t i) { return kB.as_double(i / 6 % 3); }

OneNode binary(const std::string& op, int64_t opset) { return OneNode(op, opset).input(kX).input(kB); }

TEST_CASE("before opset 7 the axis of a binary operator says along which axis of a the operand b lies",
          "[ops]") {
  const Tensor sum = binary("Add", 6).attr("broadcast", int64_t{1}).attr("axis", int64_t{1}).run();
  const Tensor less = binary("Less", 1).attr("broadcast", int64_t{1}).attr("axis", int64_t{-3}).run();
  for (int64_t i = 0; i < kX.size(); ++i) {
    CHECK(sum.as_double(i) == kX.as_double(i) + channel(i));
    CHECK(less.as_int64(i) == (kX.as_double(i) < channel(i) ? 1 : 0));
  }
  const Tensor power = OneNode("Pow", 1)
                           .attr("broadcast", int64_t{1})
                           .attr("axis", int64_t{0})
                           .input({2, 2}, {2, 3, 4, 5})
                           .input({2}, {1, 2})
                           .run();
  CHECK(power.to_doubles() == std::vector<double>{2, 3, 16, 25});
}

TEST_CASE("before opset 7 an operand without an axis matches the last axes, and so it does ever since",
          "[ops]") {
  const Tensor old = binary("Mul", 6).attr("broadcast", int64_t{1}).run(), today = binary("Mul", 14).run();
  CHECK(old.to_doubles() == today.to_doubles());
  // An axis that a newer node carries along means nothing.
  CHECK(binary("Mul", 7).attr("broadcast", int64_t{1}).attr("axis", int64_t{1}).run().to_doubles() ==
        today.to_doubles());
}

TEST_CASE("an operand that does not fit from its axis on is refused", "[ops]") {
  CHECK_THAT(binary("Sub", 6).attr("broadcast", int64_t{1}).attr("axis", int64_t{4}).error(),
             Catch::Contains("axis 4 is outside a tensor of rank 4"));
  CHECK_THAT(OneNode("Sub", 6)
                 .attr("broadcast", int64_t{1})
                 .attr("axis", int64_t{1})
                 .input(counting({2, 3}))
                 .input(counting({3, 1}))
                 .error(),
             Catch::Contains("an operand [3,1] along axis 1 of [2,3]"));
}

TEST_CASE("before opset 7 the slopes of PRelu count channels", "[ops]") {
  const Tensor slopes = Tensor::of<double>({3}, {2, 3, 4});
  const Tensor y = OneNode("PRelu", 6).input(kX).input(slopes).run();
  for (int64_t i = 0; i < kX.size(); ++i) {
    const double x = kX.as_double(i);
    CHECK(y.as_double(i) == (x > 0 ? x : x * slopes.as_double(i / 6 % 3)));
  }
}

TEST_CASE("before opset 13 Softmax, LogSoftmax and Hardmax count all axes from theirs on as one", "[ops]") {
  const std::vector<double> x(8, 0.0);
  const auto value = [&](const std::string& op, int64_t opset, int64_t axis) {
    return OneNode(op, opset).attr("axis", axis).input({2, 2, 2}, x).run();
  };
  CHECK(value("Softmax", 11, 1).as_double(0) == 0.25);
  CHECK(value("Softmax", 11, 0).as_double(0) == 0.125);
  CHECK(value("Softmax", 13, 1).as_double(0) == 0.5);
  CHECK(value("LogSoftmax", 9, 1).as_double(0) == Approx(-std::log(4.0)).epsilon(1e-14));
  CHECK(value("Hardmax", 1, 1).to_doubles() == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0});
  CHECK(OneNode("Softmax", 9).input({2, 2, 2}, x).run().as_double(0) == 0.25);  // axis 1 by default
  // Axis 1 of a vector is past its end: every entry is a row of its own.
  CHECK(OneNode("Softmax", 11).input({2}, {1, 5}).run().to_doubles() == std::vector<double>{1, 1});
}

TEST_CASE("an old batch normalisation has statistics for each channel or for each position", "[ops]") {
  const auto node = [](const Shape& parameters, int64_t spatial) {
    const auto of = [&](int64_t seed) { return wavy(parameters, static_cast<int>(seed)); };
    Tensor variance = of(4);
    std::vector<double> squares;
    for (int64_t i = 0; i < variance.size(); ++i)
      squares.push_back(variance.as_double(i) * variance.as_double(i) + 0.1);
    return OneNode("BatchNormalization", 7)
        .attr("spatial", spatial)
        .input(kX)
        .input(of(1))
        .input(of(2))
        .input(of(3))
        .input(Tensor::of<double>(parameters, squares));
  };
  const Tensor each = node({3, 2, 3}, 0).run();
  const auto at = [](int seed, int64_t i) { return wavy({3, 2, 3}, seed).as_double(i); };
  for (int64_t i = 0; i < kX.size(); ++i) {
    const int64_t p = i % 18;
    const double deviation = std::sqrt(at(4, p) * at(4, p) + 0.1 + 1e-5);
    CHECK(each.as_double(i) == Approx((kX.as_double(i) - at(3, p)) / deviation * at(1, p) + at(2, p)));
  }
  CHECK(node({3}, 1).run().shape() == kX.shape());
}

TEST_CASE("a batch normalisation of opset 6 that is in training mode is refused", "[ops]") {
  OneNode node("BatchNormalization", 6);
  node.attr("is_test", int64_t{0}).input(kX);
  for (int i = 0; i < 4; ++i) node.input(kB);
  CHECK_THAT(node.error(), Catch::Contains("training mode"));
}

TEST_CASE("before opset 11 Resize rounds places down along axes that grow, up along those that shrink",
          "[ops]") {
  const Tensor y = OneNode("Resize", 10)
                       .input({3, 2}, {1, 2, 3, 4, 5, 6})
                       .constant(Tensor::of<float>({2}, {0.7F, 1.5F}))
                       .run();
  // Rows 0 and ceil(1 / 0.7) = 2, columns floor(0, 1 / 1.5, 2 / 1.5) = 0, 0, 1.
  CHECK(y.to_doubles() == std::vector<double>{1, 1, 2, 5, 5, 6});
}

TEST_CASE("the numbers of Selu were rounded before opset 6", "[ops]") {
  CHECK(OneNode("Selu", 1).input({1}, {2}).run().as_double(0) == Approx(2 * 1.0507).epsilon(1e-12));
  CHECK(OneNode("Selu", 6).input({1}, {2}).run().as_double(0) ==
        Approx(2 * 1.05070102214813232421875).epsilon(1e-12));
}

TEST_CASE("signed integers are shifted to the right with their sign", "[ops]") {
  const auto shifted = [](const char* direction, const std::vector<int32_t>& x,
                          const std::vector<int32_t>& by) {
    const auto n = static_cast<int64_t>(x.size());
    return OneNode("BitShift", 28)
        .attr("direction", std::string(direction))
        .input(Tensor::of<int32_t>({n}, x))
        .input(Tensor::of<int32_t>({n}, by))
        .run()
        .to_int64s();
  };
  using Integers = std::vector<int64_t>;
  CHECK(shifted("RIGHT", {-8, -1, 7, -8, 8, -8}, {1, 5, 1, 40, 40, -1}) == Integers{-4, -1, 3, -1, 0, -1});
  CHECK(shifted("LEFT", {-3, 1, 1, 1 << 30}, {2, 31, 32, 1}) ==
        Integers{-12, -2147483648LL, 0, -2147483648LL});
  const Tensor bytes = OneNode("BitShift", 11)
                           .attr("direction", std::string("RIGHT"))
                           .input(Tensor::of<uint8_t>({3}, {200, 200, 255}))
                           .input(Tensor::of<uint8_t>({3}, {1, 8, 7}))
                           .run();
  CHECK(bytes.to_int64s() == Integers{100, 0, 1});
}

}  // namespace
}  // namespace onnxray
