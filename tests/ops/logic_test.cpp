#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Doubles = std::vector<double>;

TEST_CASE("IsInf finds the signs that it is asked for", "[ops]") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const auto run = [&](int64_t positive, int64_t negative) {
    OneNode node("IsInf", 20);
    node.input({4}, {kInf, -kInf, NAN, 1})
        .attr("detect_positive", positive)
        .attr("detect_negative", negative);
    const Tensor y = node.run();
    CHECK(y.dtype() == DType::boolean);
    return y.to_doubles();
  };
  CHECK(run(1, 1) == Doubles{1, 1, 0, 0});
  CHECK(run(1, 0) == Doubles{1, 0, 0, 0});
  CHECK(run(0, 1) == Doubles{0, 1, 0, 0});
  CHECK(run(0, 0) == Doubles{0, 0, 0, 0});
}

TEST_CASE("comparisons with NaN are false", "[ops]") {
  for (const char* op : {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}) {
    CHECK(OneNode(op, 16).input({2}, {NAN, 1}).input({2}, {1, NAN}).run().to_doubles() == Doubles{0, 0});
  }
}

TEST_CASE("comparisons and logic before opset 7 align their operands by axis", "[ops]") {
  const auto aligned = [](OneNode node) {
    return node.attr("broadcast", int64_t{1}).attr("axis", int64_t{0}).run().to_doubles();
  };
  CHECK(aligned(OneNode("Greater", 6).input(counting({2, 2})).input({2}, {1, 3})) == Doubles{0, 1, 0, 1});
  CHECK(aligned(OneNode("And", 6)
                    .input(Tensor::of<bool>({2, 2}, {true, true, true, false}))
                    .input(Tensor::of<bool>({2}, {false, true}))) == Doubles{0, 0, 1, 0});
}

TEST_CASE("Where broadcasts all three operands and wants one type", "[ops]") {
  const Tensor condition = Tensor::of<bool>({2, 1}, {true, false});
  CHECK(OneNode("Where", 16).input(condition).input({2}, {1, 2}).input({}, {9}).run().to_doubles() ==
        Doubles{1, 2, 9, 9});
  CHECK_THAT(
      OneNode("Where", 16).input(condition).input({1}, {1}).input(Tensor::of<int64_t>({1}, {1})).error(),
      Catch::Contains("i64"));
}

TEST_CASE("bitwise complements stay inside their type", "[ops]") {
  CHECK(OneNode("BitwiseNot", 18).input(Tensor::of<uint8_t>({1}, {1})).run().to_doubles() == Doubles{254});
  CHECK(OneNode("BitwiseNot", 18).input(Tensor::of<uint32_t>({1}, {1})).run().to_doubles() ==
        Doubles{4294967294.0});
  CHECK(OneNode("BitwiseNot", 18).input(Tensor::of<int16_t>({1}, {1})).run().to_doubles() == Doubles{-2});
}

}  // namespace onnxray
