#include <vector>

#include "backends/onednn/instruction_loops.h"
#include "backends/onednn/vector_math.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Every 257th float in [low, high], so that all exponents are met.
std::vector<float> floats_between(float low, float high) {
  std::vector<float> all;
  // Sign and magnitude as one ordered integer.
  const auto order = [](float x) {
    const auto bits = std::bit_cast<int32_t>(x);
    return bits < 0 ? -(bits & 0x7fffffff) : bits;
  };
  for (int64_t i = order(low); i <= order(high); i += 257) {
    const auto magnitude = static_cast<int32_t>(i < 0 ? -i : i);
    const float x = std::bit_cast<float>(magnitude);
    all.push_back(i < 0 ? -x : x);
  }
  return all;
}

/// The largest error over [low, high], relative, or against the smallest normal float where the result is
/// below it.
double error_of(Opcode op, double (*exact)(double), float low, float high) {
  const std::vector<float> x = floats_between(low, high);
  std::vector<float> y(x.size());
  onednn::apply(op, y.data(), x.data(), nullptr, nullptr, static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = exact(static_cast<double>(x[i]));
    const double scale = std::max(std::abs(want), static_cast<double>(std::numeric_limits<float>::min()));
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - want) / scale);
  }
  return worst;
}

float at(Opcode op, float x) {
  float y = 0;
  onednn::apply(op, &y, &x, nullptr, nullptr, 1);
  return y;
}

}  // namespace

// One unit in the last place is 6e-8 to 1.2e-7, relative.
TEST_CASE("exp is within two units over its whole range") {
  CHECK(error_of(
            Opcode::exp, [](double x) { return std::exp(x); }, -110.0f, 88.7f) < 2e-7);
}

TEST_CASE("log is within two units for every positive float") {
  CHECK(error_of(
            Opcode::log, [](double x) { return std::log(x); }, 1e-45f, 3.4e38f) < 2.4e-7);
}

TEST_CASE("tanh, sigmoid, softplus and erf are within 4e-7") {
  CHECK(error_of(
            Opcode::tanh, [](double x) { return std::tanh(x); }, -100.0f, 100.0f) < 4e-7);
  CHECK(error_of(
            Opcode::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -110.0f, 110.0f) < 4e-7);
  CHECK(error_of(
            Opcode::softplus, [](double x) { return std::log1p(std::exp(x)); }, -110.0f, 110.0f) < 4e-7);
  CHECK(error_of(
            Opcode::erf, [](double x) { return std::erf(x); }, -10.0f, 10.0f) < 4e-7);
}

TEST_CASE("the ends of the number line give what the C library gives") {
  CHECK(at(Opcode::exp, kInfinity) == kInfinity);
  CHECK(at(Opcode::exp, -kInfinity) == 0);
  CHECK(at(Opcode::exp, 89) == kInfinity);
  CHECK(at(Opcode::log, 0) == -kInfinity);
  CHECK(at(Opcode::log, kInfinity) == kInfinity);
  CHECK(std::isnan(at(Opcode::log, -1)));
  CHECK(at(Opcode::tanh, kInfinity) == 1);
  CHECK(at(Opcode::tanh, -kInfinity) == -1);
  CHECK(at(Opcode::erf, -kInfinity) == -1);
  CHECK(at(Opcode::sigmoid, -kInfinity) == 0);
  CHECK(at(Opcode::sigmoid, kInfinity) == 1);
  CHECK(at(Opcode::softplus, kInfinity) == kInfinity);
  CHECK(at(Opcode::softplus, -kInfinity) == 0);
  CHECK(std::signbit(at(Opcode::tanh, -0.0f)));
  for (const Opcode op : {Opcode::exp, Opcode::log, Opcode::tanh, Opcode::sigmoid, Opcode::softplus,
                          Opcode::erf, Opcode::relu}) {
    CHECK(std::isnan(at(op, kNaN)));
  }
}

TEST_CASE("floor, ceil and round are exact, also where floats have no fractions") {
  for (const float x : floats_between(-1e10f, 1e10f)) {
    if (at(Opcode::floor, x) != std::floor(x) || at(Opcode::ceil, x) != std::ceil(x) ||
        at(Opcode::round, x) != std::nearbyint(x)) {
      FAIL("at " << x);
    }
  }
  CHECK(at(Opcode::round, 2.5f) == 2);
  CHECK(at(Opcode::floor, -kInfinity) == -kInfinity);
}

}  // namespace onnxray::test
