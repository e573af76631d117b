#include "core/checked.h"

#include <limits>

#include "tests/catch.h"

namespace onnxray {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kLeast = std::numeric_limits<int64_t>::min();

TEST_CASE("arithmetic on a file's numbers is exact or an error") {
  CHECK(checked_sum(kMost - 1, 1) == kMost);
  CHECK(checked_difference(kLeast + 1, 1) == kLeast);
  CHECK(checked_product(int64_t{1} << 31, int64_t{1} << 31) == int64_t{1} << 62);
  CHECK_THROWS_AS(checked_sum(kMost, 1), Error);
  CHECK_THROWS_AS(checked_difference(kLeast, 1), Error);
  CHECK_THROWS_AS(checked_product(int64_t{1} << 32, int64_t{1} << 32), Error);
  CHECK_THROWS_AS(checked_product(kLeast, -1), Error);
}

TEST_CASE("a real becomes an extent where it is one") {
  CHECK(checked_whole(6.9, "it") == 6);
  CHECK(checked_whole(-6.9, "it") == -6);
  for (const double value :
       {1e30, -1e30, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_WITH(checked_whole(value, "a scale"), Catch::Contains("a scale is"));
}

}  // namespace
}  // namespace onnxray
