#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backends/cudnn/convolution_shape.h"
#include "backends/cudnn/device.h"

namespace onnxray::cudnn {

inline const float* floats(const std::byte* data) { return reinterpret_cast<const float*>(data); }
inline float* floats(std::byte* data) { return reinterpret_cast<float*>(data); }

inline int64_t aligned(int64_t bytes) { return (bytes + 255) / 256 * 256; }
inline int64_t bytes_of(const Shape& shape) {
  return element_count(shape) * static_cast<int64_t>(sizeof(float));
}

/// What reads weights in its own arrangement: as they are, channels-last, or rotated.
struct Packing {
  bool rotated = false, channels_last = false;
  bool needed() const { return rotated || channels_last; }
};

/// Enqueues w in its packed form: w'[m, c, t] = w[m, c, t], or rotated w'[c, m, t] = w[m, c, K - 1 - t].
void pack(Stream stream, const Packing& packing, const Shape& w, const float* from, float* to);

/// A way to compute a convolution or its adjoint: an input, packed weights and an output.
struct Way {
  std::string name;
  Packing packing;
  int64_t workspace = 0;
  std::function<void(const Launch&, const float* in, const float* w, float* out)> run;
};

/// All deterministic ways whose scratch stays within `limit` bytes. `exact`: without Winograd and FFT, which
/// compute a tile in one piece, with errors relative to its largest entry.
std::vector<Way> find_ways(Device& device, const ConvolutionShape& shape, bool adjoint, bool exact,
                           int64_t limit);

}  // namespace onnxray::cudnn
