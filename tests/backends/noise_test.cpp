#include <cmath>

#include "backends/reference/reference.h"
#include "core/counter_rng.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

Tensor draw(Noise::Kind kind, uint64_t seed, int64_t sample, const Shape& shape) {
  const auto compiler = make_reference_compiler_f64();
  const auto emit = [&](Builder& b, const auto& v) { b.noise(kind, seed, v[0], shape); };
  return run_primitive(*compiler, make_case("", {Tensor::scalar<int64_t>(sample)}, emit),
                       {.real_size = 8})[0];
}

double mean_of_power(const Tensor& t, int power) {
  double sum = 0;
  for (int64_t i = 0; i < t.size(); ++i) sum += std::pow(t.as_double(i), power);
  return sum / static_cast<double>(t.size());
}

}  // namespace

TEST_CASE("the generator is Philox4x32-10") {
  // The known answers that its authors publish with Random123.
  CHECK(philox({0, 0, 0, 0}, {0, 0}) ==
        std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t all = 0xffffffff;
  CHECK(philox({all, all, all, all}, {all, all}) ==
        std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}

TEST_CASE("noise depends on the seed, the sample and the element alone") {
  const Tensor x = draw(Noise::Kind::normal, 7, 3, {4, 25});
  CHECK(distance(draw(Noise::Kind::normal, 7, 3, {4, 25}), x) == 0);
  CHECK(distance(draw(Noise::Kind::normal, 7, 3, {100}).reshaped({4, 25}), x) == 0);
  CHECK(distance(draw(Noise::Kind::normal, 7, 4, {4, 25}), x) > 0.1);
  CHECK(distance(draw(Noise::Kind::normal, 8, 3, {4, 25}), x) > 0.1);
  const Tensor shorter = draw(Noise::Kind::normal, 7, 3, {33});
  for (int64_t i = 0; i < 33; ++i) CHECK(shorter.as_double(i) == x.as_double(i));
}

TEST_CASE("the noise of several samples is that of each") {
  const auto compiler = make_reference_compiler_f64();
  const auto emit = [&](Builder& b, const auto& v) { b.noise(Noise::Kind::normal, 7, v[0], {3, 5}); };
  const Tensor all =
      run_primitive(*compiler, make_case("", {Tensor::of<int64_t>({2}, {3, 8})}, emit), {.real_size = 8})[0];
  REQUIRE(all.shape() == Shape{2, 3, 5});
  for (int64_t i = 0; i < 15; ++i) {
    CHECK(all.as_double(i) == draw(Noise::Kind::normal, 7, 3, {3, 5}).as_double(i));
    CHECK(all.as_double(15 + i) == draw(Noise::Kind::normal, 7, 8, {3, 5}).as_double(i));
  }
}

TEST_CASE("noise has the moments of its distribution") {
  // 40000 draws: the mean's standard error is 0.005, that of the fourth moment 0.05. The draws are fixed.
  const Tensor normal = draw(Noise::Kind::normal, 1, 0, {40000}),
               uniform = draw(Noise::Kind::uniform, 1, 0, {40000});
  CHECK(std::abs(mean_of_power(normal, 1)) < 0.02);
  CHECK(mean_of_power(normal, 2) == Approx(1).margin(0.03));
  CHECK(mean_of_power(normal, 4) == Approx(3).margin(0.2));
  CHECK(std::abs(mean_of_power(uniform, 1)) < 0.02);
  CHECK(mean_of_power(uniform, 2) == Approx(1.0 / 3).margin(0.01));
}

}  // namespace onnxray::test
