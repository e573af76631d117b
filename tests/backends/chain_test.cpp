#include "backends/onednn/chain.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "backends/onednn/instruction_loops.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

using onednn::Chain;

constexpr int64_t kLongest = 70;  // four whole vectors and a rest
constexpr size_t kInputs = 4;

Source input(int32_t index) { return {Source::Kind::input, index, 0}; }
Source result(int32_t index) { return {Source::Kind::result, index, 0}; }
Source number(double value) { return {Source::Kind::immediate, 0, value}; }

using Rows = std::vector<std::vector<float>>;

Rows special_rows() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values{0.0F, -0.0F, 1,  -1,   0.5F,   -0.5F,     1.5F,
                                  2.5F, -2.5F, 3,  -7,   1e-30F, kInfinity, -kInfinity,
                                  NAN,  1e30F, 90, -105, 0.75F,  -3e-40F};
  std::mt19937 random(7);
  Rows rows(kInputs, std::vector<float>(kLongest));
  for (auto& row : rows) {
    for (float& x : row) x = values[random() % values.size()];
  }
  return rows;
}

Rows run(const Chain& chain, const Rows& x, size_t outputs, int64_t n) {
  Rows y(outputs, std::vector<float>(kLongest, -77));
  std::vector<const float*> from;
  std::vector<float*> to;
  for (const auto& row : x) from.push_back(row.data());
  for (auto& row : y) to.push_back(row.data());
  chain.open(kLongest)->run(from.data(), to.data(), n);
  return y;
}

bool is_same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

bool is_exact(Opcode op) {
  return op != Opcode::exp && op != Opcode::tanh && op != Opcode::erf && op != Opcode::sigmoid;
}

/// Straight-line code over everything that came before, of operations whose rounding is defined.
Expression random_expression(std::mt19937& random, int length, int results) {
  Expression e;
  const auto source = [&](int32_t before) {
    switch (random() % (before > 0 ? 4 : 2)) {
      case 0: return input(static_cast<int32_t>(random() % kInputs));
      case 1: return number(std::vector<double>{0, -0.0, 1, -2.5, 1e-31}[random() % 5]);
      default: return result(static_cast<int32_t>(random() % static_cast<uint32_t>(before)));
    }
  };
  while (static_cast<int>(e.code.size()) < length) {
    const auto op = static_cast<Opcode>(random() % (static_cast<uint32_t>(Opcode::clip) + 1));
    Expression alone{Expression::Domain::real, {{op, input(0), input(1), input(2)}}, {0}};
    if (!is_exact(op) || !onednn::generate_chain(alone)) continue;
    const auto before = static_cast<int32_t>(e.code.size());
    e.code.push_back({op, source(before), source(before), source(before)});
  }
  for (int k = 0; k < results; ++k) e.results.push_back(static_cast<int32_t>(random() % e.code.size()));
  return e;
}

bool has_generator() {
  if (onednn::generate_chain({Expression::Domain::real, {{Opcode::copy, input(0), {}, {}}}, {0}}))
    return true;
  WARN("no AVX-512 or no Xbyak: skipped");
  return false;
}

void compare(const Expression& e, int64_t n) {
  INFO(to_string(e) << " for " << n);
  const Rows x = special_rows();
  const auto generated = onednn::generate_chain(e);
  REQUIRE(generated);
  const Rows y = run(*generated, x, e.results.size(), n),
             wanted = run(*onednn::interpret_chain(e, kInputs), x, e.results.size(), n);
  for (size_t k = 0; k < y.size(); ++k) {
    for (size_t i = 0; i < y[k].size(); ++i) {
      INFO("result " << k << " at " << i << ": " << y[k][i] << ", interpreted " << wanted[k][i]);
      REQUIRE(is_same(y[k][i], wanted[k][i]));
    }
  }
}

}  // namespace

TEST_CASE("generated chains compute bit by bit what interpreted ones do") {
  if (!has_generator()) return;
  std::mt19937 random(5);
  for (int trial = 0; trial < 300; ++trial) {
    const int length = 1 + static_cast<int>(random() % 12), results = 1 + static_cast<int>(random() % 3);
    compare(random_expression(random, length, results), static_cast<int64_t>(random() % (kLongest + 1)));
  }
}

TEST_CASE("every instruction that is generated gives what its loop gives, at special numbers too") {
  if (!has_generator()) return;
  int generated = 0;
  for (int i = 0; i <= static_cast<int>(Opcode::clip); ++i) {
    const Expression e{
        Expression::Domain::real, {{static_cast<Opcode>(i), input(0), input(1), input(2)}}, {0}};
    const auto chain = onednn::generate_chain(e);
    if (!chain) continue;
    ++generated;
    INFO(to_string(e));
    const Rows x = special_rows(), y = run(*chain, x, 1, kLongest),
               wanted = run(*onednn::interpret_chain(e, kInputs), x, 1, kLongest);
    for (size_t k = 0; k < kLongest; ++k) {
      INFO("of " << x[0][k] << ", " << x[1][k] << ", " << x[2][k] << ": " << y[0][k] << ", " << wanted[0][k]);
      // Both round their polynomials, which are the same, within 2 units.
      if (is_exact(static_cast<Opcode>(i)) || !std::isfinite(wanted[0][k]))
        REQUIRE(is_same(y[0][k], wanted[0][k]));
      else
        REQUIRE(std::abs(y[0][k] - wanted[0][k]) <= 2.4e-7F * std::abs(wanted[0][k]) + 1e-44F);
    }
  }
  CHECK(generated >= 30);
}

TEST_CASE("a generated chain may overwrite its input") {
  if (!has_generator()) return;
  const Expression e{Expression::Domain::real,
                     {{Opcode::mul, input(0), input(1), {}}, {Opcode::sub, result(0), input(0), {}}},
                     {1}};
  Rows x = special_rows();
  const Rows wanted = run(*onednn::interpret_chain(e, kInputs), x, 1, kLongest);
  const float* const from[] = {x[0].data(), x[1].data()};
  float* const to[] = {x[0].data()};
  onednn::generate_chain(e)->open(kLongest)->run(from, to, kLongest);
  for (size_t i = 0; i < kLongest; ++i) CHECK(is_same(x[0][i], wanted[0][i]));
}

TEST_CASE("chains with more live values than registers are left to the interpreter") {
  if (!has_generator()) return;
  Expression e;
  for (int i = 0; i < 40; ++i) e.code.push_back({Opcode::add, input(0), number(i + 1), {}});
  for (int i = 1; i < 40; ++i) e.code.push_back({Opcode::add, result(i == 1 ? 0 : 38 + i), result(i), {}});
  e.results = {static_cast<int32_t>(e.code.size()) - 1};
  CHECK_FALSE(onednn::generate_chain(e));
  CHECK(onednn::interpret_chain(e, kInputs));
}

namespace {

using Bits = std::vector<std::vector<uint8_t>>;

/// Row by row x != 0 as bits; from n on they are noise.
Bits to_bits(const Rows& rows, int64_t n, std::mt19937& random) {
  Bits bits;
  for (const auto& row : rows) {
    auto& b = bits.emplace_back(kLongest / 8 + 2);
    for (uint8_t& byte : b) byte = static_cast<uint8_t>(random());
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      b[at / 8] = static_cast<uint8_t>((b[at / 8] & ~(1 << i % 8)) | ((row[at] != 0 ? 1 : 0) << i % 8));
    }
  }
  return bits;
}

}  // namespace

TEST_CASE("generated chains read and write bits, and touch no byte behind the last") {
  if (!has_generator()) return;
  std::mt19937 random(11);
  int tried = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const Expression e = random_expression(random, 1 + static_cast<int>(random() % 8), 2);
    onednn::BitOperands bits{std::vector<bool>(kInputs), {random() % 2 == 0, random() % 2 == 0}};
    for (size_t k = 0; k < kInputs; ++k) bits.x[k] = random() % 2 == 0;
    const auto n = static_cast<int64_t>(random() % (kLongest + 1));
    INFO(to_string(e) << " for " << n);
    const auto generated = onednn::generate_chain(e, bits);
    if (!generated) continue;  // more masks than registers
    ++tried;
    Rows x = special_rows(), y(2, std::vector<float>(kLongest, -77));
    for (size_t k = 0; k < kInputs; ++k) {
      if (bits.x[k]) std::ranges::for_each(x[k], [](float& v) { v = v > 0 ? 1 : 0; });
    }
    const Bits packed = to_bits(x, n, random);
    Bits given(2, std::vector<uint8_t>(kLongest / 8 + 2, 0xa5));
    std::vector<const float*> from;
    for (size_t k = 0; k < kInputs; ++k)
      from.push_back(bits.x[k] ? reinterpret_cast<const float*>(packed[k].data()) : x[k].data());
    std::vector<float*> to;
    for (size_t k = 0; k < 2; ++k)
      to.push_back(bits.y[k] ? reinterpret_cast<float*>(given[k].data()) : y[k].data());
    generated->open(kLongest)->run(from.data(), to.data(), n);
    const Rows wanted = run(*onednn::interpret_chain(e, kInputs), x, 2, n);
    for (size_t k = 0; k < 2; ++k) {
      std::vector<uint8_t> stored(given[k].size(), 0xa5);
      onednn::store_bits(stored.data(), wanted[k].data(), n);
      if (bits.y[k]) REQUIRE(given[k] == stored);
      for (size_t i = 0; !bits.y[k] && i < y[k].size(); ++i) REQUIRE(is_same(y[k][i], wanted[k][i]));
    }
  }
  CHECK(tried > 300);
}

TEST_CASE("bits that are stored are loaded again") {
  std::mt19937 random(3);
  for (int64_t n = 0; n <= kLongest; ++n) {
    std::vector<float> x(kLongest), y(kLongest, -77);
    for (float& v : x) v = random() % 2 == 0 ? 0 : 1;
    std::vector<uint8_t> bits(kLongest / 8 + 1);
    onednn::store_bits(bits.data(), x.data(), n);
    onednn::load_bits(y.data(), bits.data(), n);
    for (size_t i = 0; i < kLongest; ++i) CHECK(y[i] == (static_cast<int64_t>(i) < n ? x[i] : -77));
  }
}

TEST_CASE("an interpreted chain of several results may overwrite its input if told so") {
  const Expression e{Expression::Domain::real,
                     {{Opcode::add, input(0), input(1), {}},
                      {Opcode::relu, result(0), {}, {}},
                      {Opcode::less, input(0), result(1), {}}},
                     {1, 2}};
  Rows x = special_rows();
  const Rows wanted = run(*onednn::interpret_chain(e, 2), x, 2, kLongest);
  std::vector<float> mask(kLongest);
  const float* const from[] = {x[0].data(), x[1].data()};
  float* const to[] = {x[0].data(), mask.data()};
  onednn::interpret_chain(e, 2, true)->open(kLongest)->run(from, to, kLongest);
  for (size_t i = 0; i < kLongest; ++i) CHECK((is_same(x[0][i], wanted[0][i]) && mask[i] == wanted[1][i]));
}

}  // namespace onnxray::test
