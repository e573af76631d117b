#include "core/difference.h"

#include <cmath>

#include "tests/catch.h"

namespace onnxray {
namespace {

Tensor row(const std::vector<double>& values) {
  return Tensor::of<double>({static_cast<int64_t>(values.size())}, values);
}

TEST_CASE("a difference is a share of the largest expected entry, of the worst sample") {
  CHECK(relative_difference(row({1, 2, 3}), row({1, 2, 4})) == 0.25);
  CHECK(relative_difference(row({0, 0}), row({0, 0})) == 0);
  const Tensor a = Tensor::of<double>({2, 2}, {1, 10, 2, 10}), b = Tensor::of<double>({2, 2}, {1, 10, 1, 10});
  CHECK(relative_difference(a, b) == 0.1);
  CHECK(relative_difference(a, b, 0) == 0.1);
  CHECK(relative_difference(a, b, 1) == 1);
}

TEST_CASE("a NaN or an infinity differs unless both have the same one at the same place") {
  constexpr double kNan = NAN, kInfinite = INFINITY;
  CHECK(relative_difference(row({kNan, 1}), row({0, 1})) == kInfinite);
  CHECK(relative_difference(row({0, 1}), row({kNan, 1})) == kInfinite);
  CHECK(relative_difference(row({kNan, 1}), row({1, kNan})) == kInfinite);
  CHECK(relative_difference(row({kInfinite, 1}), row({-kInfinite, 1})) == kInfinite);
  CHECK(relative_difference(row({kInfinite, 1}), row({kNan, 1})) == kInfinite);
  CHECK(relative_difference(row({1, 1}), row({kInfinite, 1})) == kInfinite);
  CHECK(relative_difference(row({kNan, kInfinite, 1}), row({kNan, kInfinite, 2})) == 0.5);
}

TEST_CASE("other shapes and anything beside nothing are infinitely far") {
  CHECK(relative_difference(row({1, 2}), row({1, 2}).reshaped({1, 2})) == INFINITY);
  CHECK(relative_difference(row({1e-9}), row({0})) == INFINITY);
}

}  // namespace
}  // namespace onnxray
