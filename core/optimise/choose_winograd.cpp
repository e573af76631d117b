#include <algorithm>

#include "core/cost.h"
#include "core/optimise/denominators.h"
#include "core/optimise/optimise.h"
#include "core/winograd.h"

namespace onnxray {

void choose_winograd(Program& program) {
  const std::vector<bool> is_denominator = find_denominators(program);
  for (Step& step : program.steps) {
    bool* mark = winograd_mark(step);
    if (!mark) continue;
    // A forward pass outside of loops is also the prediction, and as exact as direct sums make it.
    if (std::holds_alternative<Convolution>(step.primitive) && step.block != Block::repeat) continue;
    // Errors are relative to the largest results nearby, which a quotient would not forgive.
    if (is_denominator[static_cast<size_t>(step.outputs[0].id)]) continue;
    *mark = program[step.inputs[1]].constant && gains_by_winograd(program, step);
  }
}

void avoid_winograd(Program& program) {
  for (Step& step : program.steps) {
    if (bool* mark = winograd_mark(step)) *mark = false;
  }
}

}  // namespace onnxray
