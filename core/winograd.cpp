#include "core/winograd.h"

#include <algorithm>

namespace onnxray {

bool* winograd_mark(Step& step) {
  if (auto* p = std::get_if<ConvolutionInput>(&step.primitive)) return &p->winograd;
  auto* p = std::get_if<Convolution>(&step.primitive);
  return p ? &p->winograd : nullptr;
}

bool is_winograd(const Step& step) {
  const auto* forward = std::get_if<Convolution>(&step.primitive);
  const auto* adjoint = std::get_if<ConvolutionInput>(&step.primitive);
  return (forward && forward->winograd) || (adjoint && adjoint->winograd);
}

int64_t winograd_tiles(const Shape& y) { return y[0] * ((y[2] + 3) / 4) * ((y[3] + 3) / 4); }

int64_t winograd_tiles_in(int64_t bytes, int64_t channels, int64_t real_size) {
  return std::max<int64_t>(bytes / (36 * channels * real_size), 16);
}

}  // namespace onnxray
