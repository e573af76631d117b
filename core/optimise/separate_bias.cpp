#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// t[i] + b[i], both inputs.
Elementwise sum_of_two() {
  const auto input = [](int32_t i) { return Source{Source::Kind::input, i, 0}; };
  return {{Expression::Domain::real, {{Opcode::add, input(0), input(1), {}}}, {0}}};
}

}  // namespace

void separate_bias(Program& program) {
  std::vector<Step> steps;
  for (Step& step : program.steps) {
    if (!std::holds_alternative<Convolution>(step.primitive) || step.inputs.size() < 3) {
      steps.push_back(std::move(step));
      continue;
    }
    // y [N, M, o..] = x * w + b [M, 1..]
    const Var b = step.inputs[2], y = step.outputs[0];
    const Shape shape = program[y].shape;
    Shape column(shape.size() - 1, 1);
    column[0] = shape[1];
    const Var product = program.add_variable(shape, program[y].dtype, "without bias");
    Var bias = program.add_variable(column, program[b].dtype, "bias");
    Step add{sum_of_two(), {product, bias}, {y}, step.block, step.node};
    if (program.is_constant(b))
      program[bias].constant = program[b].constant->reshaped(column);
    else
      steps.push_back({Reshape{column}, {b}, {bias}, step.block, step.node});
    step.inputs.pop_back();
    step.outputs[0] = product;
    steps.push_back(std::move(step));
    steps.push_back(std::move(add));
  }
  program.steps = std::move(steps);
}

}  // namespace onnxray
