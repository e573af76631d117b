#include <algorithm>
#include <bit>

#include "backends/onednn/kernels.h"
#include "backends/onednn/simd.h"
#include "backends/onednn/thread_split.h"
#include "core/counter_rng.h"

namespace onnxray::onednn {

namespace {

/// Pairs of draws computed side by side, and what one takes, in the unit of an element of simple arithmetic.
constexpr int64_t kLanes = 64, kWorkOfPair = 16;

ONNXRAY_INLINE double select(bool condition, double a, double b) { return condition ? a : b; }

/// Rounds of Philox (core/counter_rng.h) on kLanes counters {pair, sample}.
struct Counters {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
};

ONNXRAY_INLINE void philox_round(Counters& c, uint32_t key0, uint32_t key1) {
#pragma omp simd
  for (int64_t i = 0; i < kLanes; ++i) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c.c0[i], p1 = uint64_t{0xCD9E8D57} * c.c2[i];
    c.c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c.c1[i] ^ key0;
    c.c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c.c3[i] ^ key1;
    c.c1[i] = static_cast<uint32_t>(p1);
    c.c3[i] = static_cast<uint32_t>(p0);
  }
}

/// unit_uniform: the upper 52 bits are the fraction of a number in [1, 2).
ONNXRAY_INLINE double unit(uint32_t high, uint32_t low) {
  const uint64_t fraction = (uint64_t{high} << 32 | low) >> 12;
  return std::bit_cast<double>(fraction | 0x3FF0000000000000u) - 1 + 0x1p-53;
}

/// ln u for u in (0, 1): u = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)), whose
/// series is cut at 5e-11 of it.
ONNXRAY_INLINE double log_of_unit(double u) {
  const auto bits = std::bit_cast<uint64_t>(u);
  const double mantissa = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  const bool large = mantissa > std::numbers::sqrt2;
  const double m = mantissa * select(large, 0.5, 1);
  // The exponent as the low bits of 2^52 + exponent.
  const double e =
      std::bit_cast<double>(bits >> 52 | 0x4330000000000000u) - 0x1p52 - select(large, 1022, 1023);
  const double s = (m - 1) / (m + 1), q = s * s;
  const double series = 1 + q * (1. / 3 + q * (1. / 5 + q * (1. / 7 + q * (1. / 9 + q * (1. / 11)))));
  return e * std::numbers::ln2 + 2 * s * series;
}

/// cos and sin of 2 pi v for v in (0, 1): v = 1/2 + quarter / 4 + r with |r| <= 1/8, Taylor series cut at
/// 7e-12.
ONNXRAY_INLINE void turn(double v, double& cosine, double& sine) {
  constexpr double kRounding = 0x1.8p52;  // adding it rounds to an integer, held in the low bits
  const double t = v - 0.5, shifted = 4 * t + kRounding;
  const auto quarter = std::bit_cast<uint64_t>(shifted);
  const double a = 2 * std::numbers::pi * (t - 0.25 * (shifted - kRounding)), q = a * a;
  const double s = a * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110)))));
  const double c = 1 - q / 2 * (1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90 * (1 - q / 132)))));
  // Half a turn more than t is: both signs change, and once more in the second half.
  const double sign = select((quarter & 2) != 0, 1, -1);
  const bool odd = (quarter & 1) != 0;
  cosine = sign * select(odd, -s, c);
  sine = sign * select(odd, c, s);
}

/// Draws 2 * first ... 2 * (first + kLanes) - 1 of a sample.
ONNXRAY_EACH_ISA
void draw(Noise::Kind kind, uint64_t seed, int64_t sample, int64_t first, float* y) {
  Counters c;
  const auto number = static_cast<uint64_t>(sample);
#pragma omp simd
  for (int64_t i = 0; i < kLanes; ++i) {
    const auto pair = static_cast<uint64_t>(first + i);
    c.c0[i] = static_cast<uint32_t>(pair);
    c.c1[i] = static_cast<uint32_t>(pair >> 32);
    c.c2[i] = static_cast<uint32_t>(number);
    c.c3[i] = static_cast<uint32_t>(number >> 32);
  }
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    philox_round(c, key0, key1);
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  if (kind == Noise::Kind::uniform) {
#pragma omp simd
    for (int64_t i = 0; i < kLanes; ++i) {
      y[2 * i] = static_cast<float>(2 * unit(c.c0[i], c.c1[i]) - 1);
      y[2 * i + 1] = static_cast<float>(2 * unit(c.c2[i], c.c3[i]) - 1);
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < kLanes; ++i) {
    const double radius = std::sqrt(-2 * log_of_unit(unit(c.c0[i], c.c1[i])));
    double cosine, sine;
    turn(unit(c.c2[i], c.c3[i]), cosine, sine);
    y[2 * i] = static_cast<float>(radius * cosine);
    y[2 * i + 1] = static_cast<float>(radius * sine);
  }
}

/// The draws of core/counter_rng.h, in blocks that any thread computes; arithmetic is in double, with errors
/// far below float's.
class NoiseKernel final : public Kernel {
 public:
  NoiseKernel(const Noise& p, int64_t samples)
      : kind_(p.kind), seed_(p.seed), samples_(samples), count_(element_count(p.shape)) {}

  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out) override {
    const auto* sample = reinterpret_cast<const int64_t*>(in[0]);
    auto* y = reinterpret_cast<float*>(out[0]);
    constexpr int64_t kBlock = 2 * kLanes;
    const int64_t blocks = (count_ + kBlock - 1) / kBlock, items = samples_ * blocks;
    in_parallel(items, items * kLanes * kWorkOfPair, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t n = i / blocks, begin = i % blocks * kBlock, length = std::min(kBlock, count_ - begin);
        float* to = y + n * count_ + begin;
        if (length == kBlock) {
          draw(kind_, seed_, sample[n], begin / 2, to);
          continue;
        }
        float block[kBlock];
        draw(kind_, seed_, sample[n], begin / 2, block);
        std::copy_n(block, length, to);
      }
    });
  }

 private:
  Noise::Kind kind_;
  uint64_t seed_;
  int64_t samples_, count_;  // sample numbers, elements of each
};

bool is_row_major(const Operand& o) { return same_layout(o.shape, o.strides, row_major_strides(o.shape)); }

}  // namespace

std::unique_ptr<Kernel> compile_noise(const Noise& p, Operands in, Operands out) {
  if (!is_row_major(in[0]) || !is_row_major(out[0]) || storage_of(in[0].dtype) != Storage::int64 ||
      !is_floating(out[0].dtype))
    return nullptr;
  return std::make_unique<NoiseKernel>(p, element_count(in[0].shape));
}

}  // namespace onnxray::onednn
