#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"
#include "backends/cudnn/kernels/places.h"
#include "core/counter_rng.h"

namespace onnxray::cudnn {

namespace {

/// Draws 2 i and 2 i + 1 of each sample, which core/counter_rng.h defines, at their row-major places.
struct Draw {
  const Whole* sample;
  float* y;
  Places<1> numbers, places;
  uint64_t seed;
  int64_t count;  // of a sample's elements
  bool normal;
  ONNXRAY_DEVICE void operator()(int64_t item) const {
    const int64_t pairs = (count + 1) / 2, n = item / pairs, pair = item % pairs,
                  first_place = n * count + 2 * pair;
    const auto bits = random_bits(seed, sample[numbers(n).offset[0]], pair);
    const double u = unit_uniform(bits[0]), v = unit_uniform(bits[1]);
    double first = 2 * u - 1, second = 2 * v - 1;
    if (normal) {
      const double radius = sqrt(-2 * log(u)), angle = 2 * std::numbers::pi * v;
      first = radius * cos(angle);
      second = radius * sin(angle);
    }
    y[places(first_place).offset[0]] = static_cast<float>(first);
    if (2 * pair + 1 < count) y[places(first_place + 1).offset[0]] = static_cast<float>(second);
  }
};

}  // namespace

std::unique_ptr<DeviceStep> compile(const Noise& p, const Operands& o) {
  const Operand &sample = o.in[0], &y = o.out[0];
  if (storage_of(sample.dtype) != Storage::int64 || !is_floating(y.dtype)) return nullptr;
  const auto numbers = make_places<1>(sample.shape, {sample.strides}),
             places = make_places<1>(y.shape, {y.strides});
  return make_step([=, seed = p.seed, count = element_count(p.shape), samples = element_count(sample.shape),
                    normal = p.kind == Noise::Kind::normal](const Launch& l, Sources in, Targets out) {
    for_each(l.stream, samples * ((count + 1) / 2),
             Draw{in_as<Whole>(in[0]), out_as<float>(out[0]), numbers, places, seed, count, normal});
  });
}

}  // namespace onnxray::cudnn
