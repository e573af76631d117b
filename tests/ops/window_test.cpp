#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

OneNode conv_1d(const std::string& auto_pad, Doubles weight) {
  const auto taps = static_cast<int64_t>(weight.size());
  return OneNode("Conv", 11)
      .attr("auto_pad", auto_pad)
      .input(counting({1, 1, 5}))
      .input({1, 1, taps}, weight);
}

OneNode max_pool_1d(int64_t extent) { return OneNode("MaxPool", 12).input(counting({1, 1, extent})); }

}  // namespace

TEST_CASE("SAME padding counts dilation and puts the odd element at the end or the start", "[ops]") {
  // A reach of 4 over stride 1 needs 3 elements: 1 + 2 for UPPER, 2 + 1 for LOWER.
  CHECK(conv_1d("SAME_UPPER", {1, 10}).attr("dilations", Ints{3}).run().to_doubles() ==
        Doubles{30, 41, 52, 3, 4});
  CHECK(conv_1d("SAME_LOWER", {1, 10}).attr("dilations", Ints{3}).run().to_doubles() ==
        Doubles{20, 30, 41, 52, 3});
}

TEST_CASE("SAME padding is never negative", "[ops]") {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER"}) {
    CHECK(conv_1d(mode, {1}).attr("strides", Ints{4}).run().to_doubles() == Doubles{1, 5});
  }
}

TEST_CASE("VALID ignores the pads attribute", "[ops]") {
  CHECK(conv_1d("VALID", {1, 1}).attr("pads", Ints{1, 1}).run().to_doubles() == Doubles{3, 5, 7, 9});
}

TEST_CASE("ceil mode lets the last window hang over the end", "[ops]") {
  OneNode pool = max_pool_1d(4).attr("kernel_shape", Ints{3}).attr("strides", Ints{2});
  CHECK(pool.run().to_doubles() == Doubles{3});
  CHECK(pool.attr("ceil_mode", int64_t{1}).run().to_doubles() == Doubles{3, 4});
}

TEST_CASE("ceil mode drops a window that would start in the end padding", "[ops]") {
  OneNode pool =
      max_pool_1d(4).attr("kernel_shape", Ints{2}).attr("strides", Ints{3}).attr("pads", Ints{1, 1});
  CHECK(pool.attr("ceil_mode", int64_t{1}).run().to_doubles() == Doubles{1, 4});
}

TEST_CASE("ceil mode allows one window that is longer than the input", "[ops]") {
  OneNode pool = max_pool_1d(2).attr("kernel_shape", Ints{3}).attr("strides", Ints{2});
  CHECK_THAT(pool.error(), Catch::Contains("a window of 3 does not fit"));
  CHECK(pool.attr("ceil_mode", int64_t{1}).run().to_doubles() == Doubles{2});
}

TEST_CASE("a window's bad attributes are named", "[ops]") {
  const auto error = [](const std::string& name, Attribute value) {
    return max_pool_1d(5).attr("kernel_shape", Ints{2}).attr(name, std::move(value)).error();
  };
  CHECK_THAT(error("strides", Ints{0}), Catch::Contains("'strides' has an entry 0"));
  CHECK_THAT(error("dilations", Ints{-1}), Catch::Contains("'dilations' has an entry -1"));
  CHECK_THAT(error("kernel_shape", Ints{}), Catch::Contains("'kernel_shape' is [], expected 1"));
  CHECK_THAT(error("pads", Ints{1}), Catch::Contains("'pads' has 1 entries, expected 2"));
  CHECK_THAT(error("pads", Ints{INT64_MAX, INT64_MAX}), Catch::Contains("'pads' has an entry"));
  CHECK_THAT(error("auto_pad", std::string("SAME")), Catch::Contains("unknown auto_pad 'SAME'"));
}

}  // namespace onnxray
