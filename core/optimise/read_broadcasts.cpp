#include <algorithm>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// The operand that a Broadcast repeats, by result.
std::vector<Var> repeated_operands(const Program& program) {
  std::vector<Var> operands(program.variables.size());
  for (const Step& step : program.steps) {
    if (!std::holds_alternative<Broadcast>(step.primitive)) continue;
    const Var x = step.inputs[0], y = step.outputs[0];
    if (program[x].shape.size() == program[y].shape.size()) operands[static_cast<size_t>(y.id)] = x;
  }
  return operands;
}

}  // namespace

void read_broadcasts(Program& program) {
  const std::vector<Var> repeated = repeated_operands(program);
  for (Step& step : program.steps) {
    if (!std::holds_alternative<Elementwise>(step.primitive)) continue;
    const Shape& shape = program[step.outputs[0]].shape;
    for (Var& v : step.inputs) {
      const Var x = repeated[static_cast<size_t>(v.id)];
      if (!x || program[v].shape != shape) continue;
      // One operand of the result's shape stays.
      const bool others_have_shape = std::ranges::any_of(
          step.inputs, [&](Var other) { return other != v && program[other].shape == shape; });
      if (others_have_shape) v = x;
    }
  }
}

}  // namespace onnxray
