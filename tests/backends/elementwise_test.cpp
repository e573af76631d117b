#include <cmath>
#include <limits>

#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max(),
                  kSmallest = std::numeric_limits<int64_t>::min();

Tensor run(const PrimitiveCase& c) {
  const auto compiler = make_reference_compiler_f64();
  return run_primitive(*compiler, c, {.real_size = 8})[0];
}

std::vector<double> unary(Opcode op, const std::vector<double>& a) {
  const Tensor x = Tensor::of({static_cast<int64_t>(a.size())}, a);
  return run(make_case("", {x}, [&](Builder& b, const auto& v) { b.unary(op, v[0]); })).to_doubles();
}

template <class T>
std::vector<T> binary(Opcode op, const std::vector<T>& a, const std::vector<T>& c) {
  const Shape shape{static_cast<int64_t>(a.size())};
  const Tensor y = run(make_case("", {Tensor::of(shape, a), Tensor::of(shape, c)},
                                 [&](Builder& b, const auto& v) { b.binary(op, v[0], v[1]); }));
  std::vector<T> result;
  for (int64_t i = 0; i < y.size(); ++i)
    result.push_back(std::is_floating_point_v<T> ? static_cast<T>(y.as_double(i))
                                                 : static_cast<T>(y.as_int64(i)));
  return result;
}

using Reals = std::vector<double>;
using Integers = std::vector<int64_t>;

std::vector<int64_t> cast(const Tensor& x, DType to) {
  return run(make_case("", {x}, [&](Builder& b, const auto& v) { b.cast(v[0], to); })).to_int64s();
}

}  // namespace

TEST_CASE("round goes to the even neighbour") {
  CHECK(unary(Opcode::round, {0.5, 1.5, 2.5, -0.5, -1.5, 2.4}) == Reals{0, 2, 2, 0, -2, 2});
}

TEST_CASE("sign_positive is +1 at zero and at NaN, sign is not") {
  CHECK(unary(Opcode::sign_positive, {-2, -0.0, 0, 3, NAN}) == Reals{-1, 1, 1, 1, 1});
  CHECK(unary(Opcode::sign, {-2, -0.0, 0, 3}) == Reals{-1, 0, 0, 1});
  CHECK(std::isnan(unary(Opcode::sign, {NAN})[0]));
}

TEST_CASE("NaN passes through relu, min and max") {
  CHECK(std::isnan(unary(Opcode::relu, {NAN})[0]));
  for (const Opcode op : {Opcode::min, Opcode::max}) {
    CHECK(std::isnan(binary<double>(op, {NAN}, {1})[0]));
    CHECK(std::isnan(binary<double>(op, {1}, {NAN})[0]));
  }
}

TEST_CASE("mod takes the divisor's sign and fmod the dividend's") {
  CHECK(binary<double>(Opcode::mod, {7, -7, 7, -7}, {3, 3, -3, -3}) == Reals{1, 2, -2, -1});
  CHECK(binary<double>(Opcode::fmod, {7, -7, 7, -7}, {3, 3, -3, -3}) == Reals{1, -1, 1, -1});
  CHECK(binary<int64_t>(Opcode::mod, {7, -7, 7, -7, 7}, {3, 3, -3, -3, 0}) == Integers{1, 2, -2, -1, 0});
  CHECK(binary<int64_t>(Opcode::fmod, {7, -7, 7, -7, 7}, {3, 3, -3, -3, 0}) == Integers{1, -1, 1, -1, 0});
}

TEST_CASE("integer division truncates, and yields 0 by 0") {
  CHECK(binary<int64_t>(Opcode::div, {7, -7, 5, kSmallest}, {2, 2, 0, -1}) == Integers{3, -3, 0, kSmallest});
}

TEST_CASE("integer powers are exact, and vanish for negative exponents") {
  CHECK(binary<int64_t>(Opcode::pow, {3, -2, 2, 1, -1, -1, 0, 7}, {39, 3, -1, -5, -5, -4, 0, 0}) ==
        Integers{4052555153018976267, -8, 0, 1, -1, 1, 1, 1});
}

TEST_CASE("shifts by 64 and more leave nothing") {
  CHECK(binary<int64_t>(Opcode::shift_left, {1, 1, 1}, {3, 63, 64}) == Integers{8, kSmallest, 0});
  CHECK(binary<int64_t>(Opcode::shift_right, {256, 256, 256}, {4, 9, 100}) == Integers{16, 0, 0});
}

TEST_CASE("integers wrap to the width of their type") {
  CHECK(binary<int64_t>(Opcode::add, {kLargest}, {1}) == Integers{kSmallest});
  CHECK(binary<int8_t>(Opcode::add, {127, -128}, {1, -1}) == std::vector<int8_t>{-128, 127});
  CHECK(binary<uint8_t>(Opcode::sub, {0, 3}, {1, 1}) == std::vector<uint8_t>{255, 2});
  CHECK(binary<uint32_t>(Opcode::mul, {1U << 31}, {2}) == std::vector<uint32_t>{0});
  CHECK(cast(Tensor::of<int64_t>({3}, {300, -1, 65536 + 7}), DType::u16) == Integers{300, 65535, 7});
}

TEST_CASE("a real stored in an integer truncates, saturates and turns NaN into 0") {
  const Tensor x = Tensor::of<double>({6}, {1.9, -1.9, NAN, 1e30, -1e30, 300});
  CHECK(cast(x, DType::i64) == Integers{1, -1, 0, kLargest, kSmallest, 300});
  CHECK(cast(x.reshaped({6}), DType::u8)[5] == 44);
}

TEST_CASE("a boolean holds whether its source differs from 0") {
  CHECK(cast(Tensor::of<double>({4}, {0, -0.0, 0.25, NAN}), DType::boolean) == Integers{0, 0, 1, 1});
  CHECK(cast(Tensor::of<int64_t>({2}, {0, 256}), DType::boolean) == Integers{0, 1});
}

TEST_CASE("sigmoid and softplus hold at the far ends") {
  CHECK(unary(Opcode::sigmoid, {-1000, 0, 1000}) == Reals{0, 0.5, 1});
  CHECK(unary(Opcode::softplus, {-1000, 1000}) == Reals{0, 1000});
  // exp(-40) alone survives on the left: relative accuracy is kept.
  CHECK(unary(Opcode::softplus, {-40})[0] == Approx(std::exp(-40.0)).epsilon(1e-14));
}

TEST_CASE("operands broadcast by numpy's rules") {
  const Tensor a = Tensor::of<double>({2, 1}, {10, 20}), c = Tensor::of<double>({3}, {1, 2, 3});
  const Tensor y = run(make_case("", {a, c}, [](Builder& b, const auto& v) { b.add(v[0], v[1]); }));
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.to_doubles() == Reals{11, 12, 13, 21, 22, 23});
}

TEST_CASE("an operand may be a view with stride 0") {
  const auto compiler = make_reference_compiler_f64();
  const PrimitiveCase c = make_case(
      "", {Tensor::of<double>({2, 3}, {4, 4, 4, 5, 5, 5}), Tensor::of<double>({2, 3}, {1, 2, 3, 4, 5, 6})},
      [](Builder& b, const auto& v) { b.mul(v[0], v[1]); });
  const auto y = run_strided(*compiler, c, {{1, 0}, {3, 1}}, {{3, 1}}, {.real_size = 8});
  CHECK(y[0].to_doubles() == Reals{4, 8, 12, 20, 25, 30});
}

TEST_CASE("a result may overwrite an operand that lies alike") {
  // More elements than one block, so that later blocks read what earlier ones must not have touched.
  const int64_t n = 5000;
  const PrimitiveCase c = make_case("", {random_tensor({n}, 1), random_tensor({1}, 2)},
                                    [](Builder& b, const auto& v) { b.sub(v[0], v[1]); });
  const Tensor expected = run(c);
  const auto compiler = make_reference_compiler_f64();
  const Tensor a = c.inputs[0].to(DType::f64), d = c.inputs[1].to(DType::f64);
  Tensor memory = a;
  const std::vector<Operand> in{{{n}, {1}, DType::f64, nullptr}, {{1}, {1}, DType::f64, nullptr}}, out{in[0]};
  const std::vector<std::byte*> to{memory.mutable_bytes()};
  const std::vector<const std::byte*> from{to[0], d.bytes()};
  compiler->compile(c.primitive, in, out)->run(from, to);
  CHECK(distance(memory, expected) == 0);
}

}  // namespace onnxray::test
