#include "core/dtype.h"

#include <cmath>

#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("every half survives the trip through float") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(half_to_float(float_to_half(value))));
    } else {
      REQUIRE(float_to_half(value) == half);
    }
  }
}

TEST_CASE("floats round to the nearest half, ties to even, and overflow to infinity") {
  CHECK(half_to_float(float_to_half(1.0F + 1.0F / 2048)) == 1.0F);                // halfway, 1.0 is even
  CHECK(half_to_float(float_to_half(1.0F + 3.0F / 2048)) == 1.0F + 2.0F / 1024);  // halfway, up to even
  CHECK(half_to_float(float_to_half(65519.0F)) == 65504.0F);
  CHECK(std::isinf(half_to_float(float_to_half(65520.0F))));
  CHECK(half_to_float(float_to_half(5.9604645e-8F)) == 5.9604645e-8F);  // the smallest subnormal
}

TEST_CASE("floats round to the nearest bfloat16, ties to even") {
  CHECK(bfloat16_to_float(float_to_bfloat16(1.00390625F)) == 1.0F);       // 1 + 2^-8: halfway
  CHECK(bfloat16_to_float(float_to_bfloat16(1.01171875F)) == 1.015625F);  // 1 + 3 * 2^-8: halfway, up to even
  CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(NAN))));
}

TEST_CASE("storing into a narrow integer wraps") {
  CHECK(wrap_to(DType::u8, 256 + 7) == 7);
  CHECK(wrap_to(DType::i8, 128) == -128);
  CHECK(wrap_to(DType::u16, -1) == 65535);
  CHECK(wrap_to(DType::boolean, 5) == 1);
}

}  // namespace
}  // namespace onnxray
