#include <bit>

#include "backends/cudnn/kernels/elements.h"
#include "backends/cudnn/kernels/kernels.h"

namespace onnxray::cudnn {

namespace {

/// The upper half of a float's bits, rounded; NaN stays NaN.
struct Narrow {
  const float* from;
  uint16_t* to;
  ONNXRAY_DEVICE void operator()(int64_t i) const {
    const auto bits = std::bit_cast<uint32_t>(from[i]);
    const uint32_t ties_to_even = 0x7fff + (bits >> 16 & 1);
    to[i] = static_cast<uint16_t>(is_nan(from[i]) ? 0x7fc0 : (bits + ties_to_even) >> 16);
  }
};

struct Widen {
  const uint16_t* from;
  float* to;
  ONNXRAY_DEVICE void operator()(int64_t i) const { to[i] = std::bit_cast<float>(uint32_t{from[i]} << 16); }
};

}  // namespace

void to_bf16(Stream stream, const float* from, std::byte* to, int64_t count) {
  for_each(stream, count, Narrow{from, out_as<uint16_t>(to)});
}

void from_bf16(Stream stream, const std::byte* from, float* to, int64_t count) {
  for_each(stream, count, Widen{in_as<uint16_t>(from), to});
}

}  // namespace onnxray::cudnn
