#include "core/winograd.h"

#include <algorithm>

#include "core/cost.h"

namespace onnxray {

namespace {

/// Below this share of the direct way's cost the gain is worth weights that are four times as large.
constexpr double kWorthwhile = 0.8;

bool is_filter(const Window& w, int64_t groups) {
  const Shape three{3, 3}, one{1, 1};
  return groups == 1 && w.kernel == three && w.strides == one && w.dilations == one;
}

/// F(4x4, 3x3) (Lavin & Gray 2016): per tile of 4x4 results and pair of channels 36 multiplications in place
/// of 144; each tile of either side is written and read once as 36 numbers per channel.
bool is_worthwhile(const Shape& x, const Shape& y) {
  constexpr int64_t kLanes = 16;
  const int64_t M = y[1], C = x[1];
  if (M % kLanes != 0 || C % kLanes != 0) return false;
  const auto tiles = static_cast<double>(winograd_tiles(y));
  const auto places = static_cast<double>(y[0] * y[2] * y[3]);
  const auto pairs = static_cast<double>(M * C), channels = static_cast<double>(M + C);
  const double weight_bytes = 4 * pairs;
  const double winograd =
      2 * 36 * tiles * pairs + kFlopsPerByte * (36 * weight_bytes + 2 * 36 * 4 * tiles * channels);
  const double direct = 2 * 9 * places * pairs + kFlopsPerByte * 9 * weight_bytes;
  return winograd < kWorthwhile * direct;
}

bool is_filter(const Primitive& primitive) {
  if (const auto* adjoint = std::get_if<ConvolutionInput>(&primitive))
    return is_filter(adjoint->window, adjoint->groups);
  const auto* p = std::get_if<Convolution>(&primitive);
  return p && is_filter(p->window, p->groups);
}

}  // namespace

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

bool gains_by_winograd(const Program& program, const Step& step) {
  return is_filter(step.primitive) &&
         is_worthwhile(program[step.inputs[0]].shape, program[step.outputs[0]].shape);
}

int64_t winograd_tiles(const Shape& y) { return y[0] * ((y[2] + 3) / 4) * ((y[3] + 3) / 4); }

int64_t winograd_tiles_in(int64_t bytes, int64_t channels, int64_t real_size) {
  return std::max<int64_t>(bytes / (36 * channels * real_size), 16);
}

}  // namespace onnxray
