#include <algorithm>

#include "core/cost.h"
#include "core/optimise/denominators.h"
#include "core/optimise/optimise.h"
#include "core/winograd.h"

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
  if (const auto* p = std::get_if<ConvolutionInput>(&primitive)) return is_filter(p->window, p->groups);
  const auto& p = std::get<Convolution>(primitive);
  return is_filter(p.window, p.groups);
}

}  // namespace

void choose_winograd(Program& program) {
  const std::vector<bool> is_denominator = find_denominators(program);
  for (Step& step : program.steps) {
    bool* mark = winograd_mark(step);
    if (!mark) continue;
    // A forward pass outside of loops is also the prediction, and as exact as direct sums make it.
    if (std::holds_alternative<Convolution>(step.primitive) && step.block != Block::repeat) continue;
    // Errors are relative to the largest results nearby, which a quotient would not forgive.
    if (is_denominator[static_cast<size_t>(step.outputs[0].id)]) continue;
    *mark = program[step.inputs[1]].constant && is_filter(step.primitive) &&
            is_worthwhile(program[step.inputs[0]].shape, program[step.outputs[0]].shape);
  }
}

void avoid_winograd(Program& program) {
  for (Step& step : program.steps) {
    if (bool* mark = winograd_mark(step)) *mark = false;
  }
}

}  // namespace onnxray
