#include <algorithm>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

std::vector<double> sliced(int64_t start, int64_t end, int64_t step) {
  return OneNode("Slice", 13)
      .input(counting({5}))
      .constant({start})
      .constant({end})
      .constant({0})
      .constant({step})
      .run()
      .to_doubles();
}

/// ONNX clamps the start to [0, n-1] when it steps backwards; numpy would clamp it to -1.
std::vector<double> stepped(int64_t start, int64_t end, int64_t step) {
  const int64_t n = 5;
  start = start < 0 ? start + n : start;
  end = end < 0 ? end + n : end;
  std::vector<double> result;
  for (int64_t i = step > 0 ? std::max<int64_t>(start, 0) : std::clamp<int64_t>(start, 0, n - 1);
       step > 0 ? i < end : i > end; i += step) {
    if (i < 0 || i >= n) break;
    result.push_back(static_cast<double>(i + 1));
  }
  return result;
}

}  // namespace

TEST_CASE("slices clamp their bounds as ONNX asks", "[ops]") {
  for (int64_t start = -7; start <= 7; ++start) {
    for (int64_t end = -7; end <= 7; ++end) {
      for (const int64_t step : {-3, -1, 1, 2, 6}) {
        INFO(start << ":" << end << ":" << step);
        CHECK(sliced(start, end, step) == stepped(start, end, step));
      }
    }
  }
}

TEST_CASE("slice bounds may be the largest integers", "[ops]") {
  CHECK(sliced(INT64_MAX, INT64_MIN, -1) == std::vector<double>{5, 4, 3, 2, 1});
  CHECK(sliced(INT64_MIN, INT64_MAX, 1) == std::vector<double>{1, 2, 3, 4, 5});
  CHECK(sliced(1, INT64_MAX, INT64_MAX) == std::vector<double>{2});
  CHECK(sliced(-1, INT64_MIN, INT64_MIN) == std::vector<double>{5});
}

TEST_CASE("split gives the last part what is left", "[ops]") {
  const auto parts =
      OneNode("Split", 18).attr("num_outputs", int64_t{3}).input(counting({7})).outputs(3).run_all();
  CHECK(parts[0].to_doubles() == std::vector<double>{1, 2, 3});
  CHECK(parts[1].to_doubles() == std::vector<double>{4, 5, 6});
  CHECK(parts[2].to_doubles() == std::vector<double>{7});
}

TEST_CASE("slice and split name what does not fit", "[ops]") {
  CHECK_THAT(OneNode("Slice", 13)
                 .input(counting({5}))
                 .constant({0})
                 .constant({1})
                 .constant({0})
                 .constant({0})
                 .error(),
             Catch::Contains("step 0"));
  CHECK_THAT(OneNode("Slice", 13).input(counting({5})).constant({0, 0}).constant({1}).error(),
             Catch::Contains("2 starts, 1 ends"));
  CHECK_THAT(OneNode("Split", 13).input(counting({5})).constant({2, 2}).outputs(2).error(),
             Catch::Contains("do not add up to the extent 5"));
}
