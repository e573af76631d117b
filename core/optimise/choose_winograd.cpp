#include <algorithm>

#include "core/optimise/denominators.h"
#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// What a byte moved costs in flops, as for PlanOptions::trip_work.
constexpr double kFlopsPerByte = 10;
/// Below this share of the direct way's cost the gain is worth weights that are four times as large.
constexpr double kWorthwhile = 0.8;

bool is_filter(const Window& w, int64_t groups) {
  const Shape three{3, 3}, one{1, 1};
  return groups == 1 && w.kernel == three && w.strides == one && w.dilations == one;
}

/// F(4x4, 3x3) (Lavin & Gray 2016): per tile of 4x4 results and pair of channels 36 multiplications in place
/// of 144; each tile of either side is written and read once as 36 numbers per channel.
bool is_worthwhile(const Shape& g, const Shape& x) {
  constexpr int64_t kLanes = 16;
  const int64_t M = g[1], C = x[1];
  if (M % kLanes != 0 || C % kLanes != 0) return false;
  const auto tiles = static_cast<double>(x[0] * ((x[2] + 3) / 4) * ((x[3] + 3) / 4));
  const auto places = static_cast<double>(x[0] * x[2] * x[3]);
  const auto pairs = static_cast<double>(M * C), channels = static_cast<double>(M + C);
  const double weight_bytes = 4 * pairs;
  const double winograd =
      2 * 36 * tiles * pairs + kFlopsPerByte * (36 * weight_bytes + 2 * 36 * 4 * tiles * channels);
  const double direct = 2 * 9 * places * pairs + kFlopsPerByte * 9 * weight_bytes;
  return winograd < kWorthwhile * direct;
}

}  // namespace

void choose_winograd(Program& program) {
  const std::vector<bool> is_denominator = find_denominators(program);
  for (Step& step : program.steps) {
    auto* p = std::get_if<ConvolutionInput>(&step.primitive);
    // Errors are relative to the largest results nearby, which a quotient would not forgive.
    if (!p || is_denominator[static_cast<size_t>(step.outputs[0].id)]) continue;
    const Variable &g = program[step.inputs[0]], &w = program[step.inputs[1]];
    p->winograd = w.constant && is_filter(p->window, p->groups) && is_worthwhile(g.shape, p->shape);
  }
}

void avoid_winograd(Program& program) {
  for (Step& step : program.steps) {
    if (auto* p = std::get_if<ConvolutionInput>(&step.primitive)) p->winograd = false;
  }
}

}  // namespace onnxray
