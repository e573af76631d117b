#include "cli/npz.h"

#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

std::vector<NamedTensor> two() {
  return {{"lrp_z@3:x", Tensor::of<float>({2}, {1, -2})},
          {"gradient", Tensor::of<int64_t>({1, 3}, {4, 5, 6})}};
}

TEST_CASE("named arrays survive the trip through .npz") {
  const std::vector<NamedTensor> back = decode_npz(encode_npz(two()), "test");
  REQUIRE(back.size() == 2);
  CHECK(back[0].name == "lrp_z@3:x");
  CHECK(back[0].value.to_doubles() == std::vector<double>{1, -2});
  CHECK(back[1].value.shape() == Shape{1, 3});
}

TEST_CASE("a .npz archive cut anywhere is refused") {
  const Bytes whole = encode_npz(two());
  for (size_t n = 0; n < whole.size(); ++n)
    CHECK_THROWS_AS(decode_npz(std::span(whole).first(n), "test"), Error);
}

TEST_CASE("a .npz archive with any byte changed is read or refused, never a crash") {
  const Bytes whole = encode_npz(two());
  for (size_t n = 0; n < whole.size(); ++n) {
    Bytes changed = whole;
    changed[n] ^= 0x55;
    try {
      decode_npz(changed, "test");
    } catch (const Error&) {
    }
  }
  SUCCEED("no crash");
}

}  // namespace
}  // namespace onnxray::cli
