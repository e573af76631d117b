#include "core/shape.h"

#include "core/error.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("counting refuses negative extents and overflow") {
  CHECK(element_count({2, 3, 4}) == 24);
  CHECK(element_count({}) == 1);
  CHECK(element_count({int64_t{1} << 28, 0, int64_t{1} << 28}) == 0);
  CHECK_THROWS_AS(element_count({2, -1}), Error);
  // Strides and products of some of the extents would overflow, though there is nothing to count.
  CHECK_THROWS_AS(element_count({int64_t{1} << 40, 0, int64_t{1} << 40}), Error);
  CHECK_THROWS_AS(element_count({int64_t{1} << 40, int64_t{1} << 40}), Error);
}

TEST_CASE("channels-last strides put the channel innermost and keep ONNX axis order") {
  CHECK(channels_last_strides({2, 3, 4, 5}) == Strides{60, 1, 15, 3});
  CHECK(channels_last_strides({2, 3, 4}) == Strides{12, 1, 3});
  CHECK(channels_last_strides({2, 3}) == Strides{3, 1});
}

TEST_CASE("layouts are compared only along axes that matter") {
  CHECK(same_layout({2, 8, 1, 1}, row_major_strides({2, 8, 1, 1}), channels_last_strides({2, 8, 1, 1})));
  CHECK_FALSE(
      same_layout({2, 8, 2, 1}, row_major_strides({2, 8, 2, 1}), channels_last_strides({2, 8, 2, 1})));
}

TEST_CASE("broadcasting follows numpy") {
  CHECK(broadcast_shapes({2, 1, 4}, {3, 1}) == Shape{2, 3, 4});
  CHECK(broadcast_shapes({}, {5}) == Shape{5});
  CHECK_FALSE(broadcast_shapes({2}, {3}).has_value());
  CHECK(broadcast_shapes({0}, {1}) == Shape{0});
}

TEST_CASE("negative axes count from the end and others are refused") {
  CHECK(normalise_axis(-1, 4) == 3);
  CHECK_THROWS_AS(normalise_axis(4, 4), Error);
  CHECK_THROWS_AS(normalise_axis(-5, 4), Error);
  CHECK_THROWS_AS(normalise_axis(0, 0), Error);  // a scalar has no axis
}

}  // namespace
}  // namespace onnxray
