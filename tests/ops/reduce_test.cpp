#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

TEST_CASE("log-sum-exp neither overflows nor turns infinities into NaN", "[ops]") {
  const double inf = INFINITY;
  const Tensor y = OneNode("ReduceLogSumExp", 18)
                       .input({3, 2}, {1000, 1000, -inf, -inf, inf, 0})
                       .constant({1})
                       .attr("keepdims", int64_t{0})
                       .run();
  CHECK(y.as_double(0) == Approx(1000 + std::log(2)));
  CHECK(y.as_double(1) == -inf);
  CHECK(y.as_double(2) == inf);
}

TEST_CASE("reducing over no axes keeps the elementwise part", "[ops]") {
  const auto reduced = [](const char* op) {
    return OneNode(op, 18)
        .attr("noop_with_empty_axes", int64_t{1})
        .input({2}, {-2, 3})
        .constant(std::vector<int64_t>{})
        .run()
        .to_doubles();
  };
  CHECK(reduced("ReduceSum") == std::vector<double>{-2, 3});
  CHECK(reduced("ReduceMean") == std::vector<double>{-2, 3});
  CHECK(reduced("ReduceSumSquare") == std::vector<double>{4, 9});
  CHECK(reduced("ReduceL1") == std::vector<double>{2, 3});
}

TEST_CASE("the sum over nothing is zero, any is false and all is true", "[ops]") {
  const Tensor none(DType::boolean, {0});
  CHECK(OneNode("ReduceMax", 20).input(none).run().as_int64(0) == 0);
  CHECK(OneNode("ReduceMin", 20).input(none).run().as_int64(0) == 1);
  CHECK(OneNode("ReduceSum", 13).input({2, 0}, {}).constant({1}).run().to_doubles() ==
        std::vector<double>{0, 0});
}

TEST_CASE("axes come from the attribute before version 13 or 18, and from an input later", "[ops]") {
  const Tensor x = counting({2, 3});
  const Tensor old = OneNode("ReduceMax", 13)
                         .attr("axes", std::vector<int64_t>{-1})
                         .attr("keepdims", int64_t{0})
                         .input(x)
                         .run();
  const Tensor recent = OneNode("ReduceMax", 18).attr("keepdims", int64_t{0}).input(x).constant({1}).run();
  CHECK(old.to_doubles() == std::vector<double>{3, 6});
  CHECK(recent.to_doubles() == old.to_doubles());
  CHECK(recent.shape() == Shape{2});
}

TEST_CASE("top-k lists the extreme entries and where they stood, the first on ties", "[ops]") {
  const auto y =
      OneNode("TopK", 11).input({2, 4}, {3, 9, 9, 1, 0, -1, 5, 2}).constant({2}).outputs(2).run_all();
  CHECK(y[0].to_doubles() == std::vector<double>{9, 9, 5, 2});
  CHECK(y[1].to_int64s() == std::vector<int64_t>{1, 2, 2, 3});
  const auto smallest = OneNode("TopK", 11)
                            .attr("largest", int64_t{0})
                            .input({4}, {3, 9, 9, 1})
                            .constant({2})
                            .outputs(2)
                            .run_all();
  CHECK(smallest[0].to_doubles() == std::vector<double>{1, 3});
}

TEST_CASE("top-k takes masked entries once each, as many as are asked for, and large integers as they are",
          "[ops]") {
  const double inf = INFINITY;
  const auto masked =
      OneNode("TopK", 11).input({2, 3}, {-inf, 7, -inf, -inf, -inf, -inf}).constant({3}).outputs(2).run_all();
  CHECK(masked[0].to_doubles() == std::vector<double>{7, -inf, -inf, -inf, -inf, -inf});
  CHECK(masked[1].to_int64s() == std::vector<int64_t>{1, 0, 2, 0, 1, 2});

  const int64_t low = std::numeric_limits<int64_t>::min(), large = int64_t{1} << 53;
  const Tensor whole = Tensor::of<int64_t>({4}, {low, large + 1, large, low});
  const auto integers = OneNode("TopK", 11).input(whole).constant({4}).outputs(2).run_all();
  CHECK(integers[0].to_int64s() == std::vector<int64_t>{large + 1, large, low, low});
  CHECK(integers[1].to_int64s() == std::vector<int64_t>{1, 2, 0, 3});

  const auto many = OneNode("TopK", 11).input(counting({1, 300})).constant({200}).outputs(2).run_all();
  for (int64_t i = 0; i < 200; ++i) CHECK(many[1].as_int64(i) == 299 - i);

  const uint64_t top = ~uint64_t{0};
  const auto naturals =
      OneNode("TopK", 11).input(Tensor::of<uint64_t>({3}, {1, top, 2})).constant({2}).outputs(2).run_all();
  CHECK(naturals[1].to_int64s() == std::vector<int64_t>{1, 2});
  CHECK(naturals[0].data<uint64_t>()[0] == top);

  CHECK(OneNode("TopK", 11).input(counting({2, 3})).constant({0}).outputs(2).run().shape() == Shape{2, 0});
  CHECK_THAT(OneNode("TopK", 11).input(counting({3})).constant({4}).outputs(2).error(),
             Catch::Contains("k = 4 along axis 0 of [3]"));
}

TEST_CASE("reductions refuse axes that are data or do not exist", "[ops]") {
  CHECK_THAT(OneNode("ReduceSum", 13).input(counting({2})).input(Tensor::of<int64_t>({1}, {0})).error(),
             Catch::Contains("axes (input 1) depends on the data"));
  CHECK_THAT(OneNode("ReduceSum", 13).input(counting({2})).constant({3}).error(),
             Catch::Contains("axis 3 is outside"));
}
