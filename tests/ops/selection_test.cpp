#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;

Tensor doubles(Shape shape, const std::vector<double>& values) {
  return Tensor::of<double>(std::move(shape), values);
}

/// Of four boxes the second covers 9/11 of what it and the first cover together, the fourth is the first with
/// its corners exchanged, the third lies apart.
Ints selected(const std::vector<double>& scores, int64_t most, double allowed) {
  return OneNode("NonMaxSuppression", 11)
      .constant(doubles({1, 4, 4}, {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 3, 1, 4, 1, 1, 0, 0}))
      .constant(doubles({1, 1, 4}, scores))
      .constant(Ints{most})
      .constant(doubles({1}, {allowed}))
      .run()
      .to_int64s();
}

TEST_CASE("the best of boxes that overlap stays, best first") {
  CHECK(selected({0.9, 0.8, 0.7, 0.6}, 9, 0.5) == Ints{0, 0, 0, 0, 0, 2});
  CHECK(selected({0.1, 0.8, 0.9, 0.6}, 9, 0.5) == Ints{0, 0, 2, 0, 0, 1});
  CHECK(selected({0.9, 0.8, 0.7, 0.6}, 9, 0.9) == Ints{0, 0, 0, 0, 0, 1, 0, 0, 2});
  CHECK(selected({0.9, 0.8, 0.7, 0.6}, 1, 0.5) == Ints{0, 0, 0});
  CHECK(selected({0.9, 0.8, 0.7, 0.6}, 0, 0.5).empty());
}

TEST_CASE("boxes of different classes and batch entries do not cover each other; low scores are left out") {
  const Tensor y = OneNode("NonMaxSuppression", 11)
                       .attr("center_point_box", int64_t{1})
                       .constant(doubles({1, 2, 4}, {0.5, 0.5, 1, 1, 0.6, 0.5, 1, 1}))
                       .constant(doubles({1, 2, 2}, {0.9, 0.8, 0.3, 0.4}))
                       .constant(Ints{5})
                       .constant(doubles({1}, {0.5}))
                       .constant(doubles({1}, {0.35}))
                       .run();
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.to_int64s() == Ints{0, 0, 0, 0, 1, 1});
}

TEST_CASE("boxes that depend on the data are refused with advice") {
  const std::string error = OneNode("NonMaxSuppression", 11)
                                .input({1, 1, 4}, {0, 0, 1, 1})
                                .input({1, 1, 1}, {1})
                                .constant(Ints{1})
                                .error();
  CHECK(error.find("NonMaxSuppression-11") != std::string::npos);
  CHECK(error.find("cut the model before it") != std::string::npos);
}

TEST_CASE("distinct elements come sorted or in the order of their first places") {
  const auto unique = [](int64_t sorted) {
    return OneNode("Unique", 11)
        .attr("sorted", sorted)
        .constant(doubles({6}, {2, 1, 1, 3, 4, 3}))
        .outputs(4)
        .run_all();
  };
  const auto s = unique(1), u = unique(0);
  CHECK(s[0].to_doubles() == std::vector<double>{1, 2, 3, 4});
  CHECK(s[1].to_int64s() == Ints{1, 0, 3, 4});
  CHECK(s[2].to_int64s() == Ints{1, 0, 0, 2, 3, 2});
  CHECK(s[3].to_int64s() == Ints{2, 1, 2, 1});
  CHECK(u[0].to_doubles() == std::vector<double>{2, 1, 3, 4});
}

TEST_CASE("large integers are told apart, and a NaN is one value behind the others") {
  const int64_t large = int64_t{1} << 53;
  const auto whole = OneNode("Unique", 11)
                         .constant(Tensor::of<int64_t>({3}, {large + 1, large, large + 1}))
                         .outputs(4)
                         .run_all();
  CHECK(whole[0].to_int64s() == Ints{large, large + 1});
  CHECK(whole[2].to_int64s() == Ints{1, 0, 1});
  const auto naturals = OneNode("Unique", 11)
                            .constant(Tensor::of<uint64_t>({3}, {~uint64_t{0}, 1, ~uint64_t{0}}))
                            .outputs(4)
                            .run_all();
  CHECK(naturals[1].to_int64s() == Ints{1, 0});
  const auto reals = OneNode("Unique", 11).constant(doubles({5}, {NAN, 2, NAN, 1, NAN})).outputs(4).run_all();
  CHECK(reals[1].to_int64s() == Ints{3, 1, 0});
  CHECK(reals[3].to_int64s() == Ints{1, 1, 3});
}

TEST_CASE("distinct slices along an axis are compared whole") {
  const auto y = OneNode("Unique", 11)
                     .attr("axis", int64_t{-1})
                     .constant(doubles({2, 3}, {1, 0, 1, 5, 2, 5}))
                     .outputs(4)
                     .run_all();
  CHECK(y[0].shape() == Shape{2, 2});
  CHECK(y[0].to_doubles() == std::vector<double>{0, 1, 2, 5});
  CHECK(y[2].to_int64s() == Ints{1, 0, 1});
}

}  // namespace
}  // namespace onnxray
