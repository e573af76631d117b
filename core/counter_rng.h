#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace onnxray {

/// Random numbers as a pure function of a key and a counter: any draw can be computed alone, in any order, on
/// any device. Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (2011).
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * counter[0], p1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Draws 2 * pair and 2 * pair + 1 of sample `sample`: 64 random bits each.
constexpr std::array<uint64_t, 2> random_bits(uint64_t seed, int64_t sample, int64_t pair) {
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const auto s = static_cast<uint64_t>(sample), p = static_cast<uint64_t>(pair);
  const auto r = philox({low(p), high(p), low(s), high(s)}, {low(seed), high(seed)});
  return {uint64_t{r[0]} << 32 | r[1], uint64_t{r[2]} << 32 | r[3]};
}

/// In (0, 1): the upper 52 bits, at the centres of 2^52 equal cells, which double holds exactly.
constexpr double unit_uniform(uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }

/// Elements 2 * pair and 2 * pair + 1 of U(-1, 1).
constexpr std::array<double, 2> uniform_pair(uint64_t seed, int64_t sample, int64_t pair) {
  const auto bits = random_bits(seed, sample, pair);
  return {2 * unit_uniform(bits[0]) - 1, 2 * unit_uniform(bits[1]) - 1};
}

/// Elements 2 * pair and 2 * pair + 1 of N(0, 1) by Box and Muller:
/// sqrt(-2 log u) cos(2 pi v), sqrt(-2 log u) sin(2 pi v).
inline std::array<double, 2> normal_pair(uint64_t seed, int64_t sample, int64_t pair) {
  const auto bits = random_bits(seed, sample, pair);
  const double radius = std::sqrt(-2 * std::log(unit_uniform(bits[0])));
  const double angle = 2 * std::numbers::pi * unit_uniform(bits[1]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace onnxray
