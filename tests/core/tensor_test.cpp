#include "core/tensor.h"

#include <cmath>

#include "core/error.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

TEST_CASE("a tensor is a value: writing to a copy leaves the original alone") {
  const Tensor a = Tensor::of<float>({2}, {1, 2});
  Tensor b = a;
  CHECK(a.bytes() == b.bytes());
  b.mutable_data<float>()[0] = 7;
  CHECK(a.data<float>()[0] == 1);
  CHECK(b.data<float>()[0] == 7);
}

TEST_CASE("a borrowed tensor never writes to its owner's memory") {
  const std::vector<float> owner{1, 2, 3};
  Tensor t(DType::f32, {3}, nullptr, reinterpret_cast<const std::byte*>(owner.data()));
  t.mutable_data<float>()[1] = 9;
  CHECK(owner[1] == 2);
  CHECK(t.data<float>()[1] == 9);
}

TEST_CASE("conversion truncates towards zero, tests for zero, and survives NaN and infinity") {
  const Tensor t = Tensor::of<float>({5}, {-1.7F, 0.0F, 2.9F, NAN, INFINITY});
  CHECK(t.to(DType::i32).to_int64s() ==
        std::vector<int64_t>{-1, 0, 2, 0, -1});  // infinity saturates to 2^63-1, then wraps
  CHECK(t.to(DType::boolean).to_int64s() == std::vector<int64_t>{1, 0, 1, 1, 1});
  CHECK(Tensor::of<int64_t>({2}, {300, -1}).to(DType::u8).to_int64s() == std::vector<int64_t>{44, 255});
}

TEST_CASE("reading a tensor as the wrong type is a programming error") {
  CHECK_THROWS_AS(Tensor::of<float>({1}, {1}).data<double>(), std::logic_error);
}

TEST_CASE("reshaping keeps the elements and refuses another count") {
  const Tensor t = Tensor::of<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(t.reshaped({3, 2}).to_int64s() == t.to_int64s());
  CHECK_THROWS_AS(t.reshaped({4}), Error);
}

}  // namespace
}  // namespace onnxray
