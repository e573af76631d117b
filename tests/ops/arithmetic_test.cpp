#include <algorithm>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Doubles = std::vector<double>;

TEST_CASE("before opset 7, axis aligns the second operand with the first", "[ops]") {
  const auto add = [](int64_t axis) {
    return OneNode("Add", 6)
        .input(counting({2, 2, 2}))
        .input({2}, {10, 20})
        .attr("broadcast", int64_t{1})
        .attr("axis", axis);
  };
  CHECK(add(0).run().to_doubles() == Doubles{11, 12, 13, 14, 25, 26, 27, 28});
  CHECK(add(1).run().to_doubles() == Doubles{11, 12, 23, 24, 15, 16, 27, 28});
  CHECK(add(-1).run().to_doubles() == Doubles{11, 22, 13, 24, 15, 26, 17, 28});
  CHECK_THAT(add(3).error(), Catch::Contains("axis 3"));
}

TEST_CASE("a power has its base's type", "[ops]") {
  const Tensor integers = Tensor::of<int32_t>({3}, {2, 3, 4});
  const Tensor roots = OneNode("Pow", 15).input(integers).input({1}, {0.5}).run();
  CHECK(!is_floating(roots.dtype()));
  CHECK(roots.to_doubles() == Doubles{1, 1, 2});
  CHECK(OneNode("Pow", 12).input({3}, {2, 3, 0.5}).input(integers).run().to_doubles() ==
        Doubles{4, 27, 0.0625});
  CHECK(OneNode("Pow", 12).input({2}, {2, 3}).constant({2}).run().to_doubles() == Doubles{4, 9});
}

TEST_CASE("Mod takes the divisor's sign, or the dividend's with fmod", "[ops]") {
  const auto mod = [](int64_t fmod) {
    return OneNode("Mod", 13)
        .attr("fmod", fmod)
        .input(Tensor::of<int64_t>({4}, {5, -5, 5, -5}))
        .input(Tensor::of<int64_t>({4}, {3, 3, -3, -3}));
  };
  CHECK(mod(0).run().to_doubles() == Doubles{2, 1, -1, -2});
  CHECK(mod(1).run().to_doubles() == Doubles{2, -2, 2, -2});
}

TEST_CASE("integer division truncates and narrow integers wrap", "[ops]") {
  CHECK(OneNode("Div", 14)
            .input(Tensor::of<int32_t>({2}, {-7, 7}))
            .input(Tensor::of<int32_t>({}, {2}))
            .run()
            .to_doubles() == Doubles{-3, 3});
  CHECK(OneNode("Add", 14)
            .input(Tensor::of<uint8_t>({1}, {200}))
            .input(Tensor::of<uint8_t>({1}, {100}))
            .run()
            .to_doubles() == Doubles{44});
  CHECK(OneNode("BitShift", 11)
            .attr("direction", std::string("LEFT"))
            .input(Tensor::of<uint8_t>({1}, {129}))
            .input(Tensor::of<uint8_t>({1}, {1}))
            .run()
            .to_doubles() == Doubles{2});
  CHECK_THAT(OneNode("BitShift", 11)
                 .input(Tensor::of<uint8_t>({1}, {1}))
                 .input(Tensor::of<uint8_t>({1}, {1}))
                 .error(),
             Catch::Contains("LEFT"));
}

TEST_CASE("u64 is divided, compared and converted as the number that it is", "[ops]") {
  using Naturals = std::vector<uint64_t>;
  const uint64_t top = ~uint64_t{0}, half = uint64_t{1} << 63;
  const Naturals a{top, half, half - 1, 7, top, half + 3, 0, top - 1},
      b{3, half + 1, half, 2, top, half - 1, top, 10};
  const auto run = [&](const std::string& op, int64_t opset) {
    const Shape shape{static_cast<int64_t>(a.size())};
    return OneNode(op, opset)
        .input(Tensor::of<uint64_t>(shape, a))
        .input(Tensor::of<uint64_t>(shape, b))
        .run();
  };
  const Tensor quotient = run("Div", 14), rest = run("Mod", 13), less = run("Less", 13),
               most = run("Max", 13), least = run("Min", 13), at_least = run("GreaterOrEqual", 16);
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(a[i] << " and " << b[i]);
    const auto at = static_cast<int64_t>(i);
    CHECK(quotient.data<uint64_t>()[i] == a[i] / b[i]);
    CHECK(rest.data<uint64_t>()[i] == a[i] % b[i]);
    CHECK(less.as_int64(at) == (a[i] < b[i]));
    CHECK(at_least.as_int64(at) == (a[i] >= b[i]));
    CHECK(most.data<uint64_t>()[i] == std::max(a[i], b[i]));
    CHECK(least.data<uint64_t>()[i] == std::min(a[i], b[i]));
  }
  const Tensor x = Tensor::of<uint64_t>({4}, {1, top, half, 2});
  CHECK(OneNode("ReduceMax", 18).input(x).run().data<uint64_t>()[0] == top);
  CHECK(OneNode("ReduceMin", 18).input(x).run().data<uint64_t>()[0] == 1);
  CHECK(OneNode("ArgMax", 13).input(x).run().as_int64(0) == 1);
  const Tensor real = OneNode("Cast", 13).attr("to", int64_t{11}).input(x).run();
  CHECK(real.to_doubles() == Doubles{1, 0x1p64, 0x1p63, 2});
  const Tensor back = OneNode("Cast", 13).attr("to", int64_t{13}).input({3}, {0x1p63, 0x1.8p63, 5.5}).run();
  CHECK(back.data<uint64_t>()[0] == half);
  CHECK(back.data<uint64_t>()[1] == half + half / 2);
  CHECK(back.data<uint64_t>()[2] == 5);
}

TEST_CASE("operators of many operands broadcast all of them", "[ops]") {
  const auto run = [](const std::string& op) {
    return OneNode(op, 13).input({2, 1}, {1, 4}).input({2}, {3, 0}).input({}, {2}).run().to_doubles();
  };
  CHECK(run("Sum") == Doubles{6, 3, 9, 6});
  CHECK(run("Max") == Doubles{3, 2, 4, 4});
  CHECK(run("Min") == Doubles{1, 0, 2, 0});
  // Sums of three times a rounded third: one rounding each.
  CHECK(run("Mean")[2] == Approx(3).epsilon(1e-15));
  CHECK(OneNode("Mean", 13).input({2}, {1, 2}).run().to_doubles() == Doubles{1, 2});
  CHECK_THAT(OneNode("Mean", 13).input(Tensor::of<int64_t>({1}, {1})).error(), Catch::Contains("integers"));
}

}  // namespace onnxray
