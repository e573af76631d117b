#include "core/epilogue.h"

namespace onnxray {

namespace {

/// How often the program reads each variable.
std::vector<int64_t> count_readers(const Program& program) {
  std::vector<int64_t> readers(program.variables.size(), 0);
  const auto read = [&](Var v) { ++readers[static_cast<size_t>(v.id)]; };
  for (const Step& step : program.steps) {
    for (const Var v : step.inputs) read(v);
  }
  for (const NamedVar& output : program.outputs) read(output.var);
  for (const LoopVariable& carried : program.loop) {
    read(carried.initial);
    read(carried.next);
  }
  return readers;
}

}  // namespace

std::vector<int64_t> find_epilogues(const Plan& plan) {
  const auto& steps = plan.program.steps;
  const std::vector<int64_t> readers = count_readers(plan.program);
  std::vector<int64_t> epilogues(steps.size(), -1), writer(plan.program.variables.size(), -1);
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    for (const Var v : step.outputs) writer[static_cast<size_t>(v.id)] = static_cast<int64_t>(i);
    if (!std::holds_alternative<Elementwise>(step.primitive) || step.inputs.size() != 1 ||
        step.outputs.size() != 1)
      continue;
    const Var x = step.inputs[0], y = step.outputs[0];
    const int64_t first = writer[static_cast<size_t>(x.id)];
    if (first < 0 || readers[static_cast<size_t>(x.id)] != 1) continue;
    const Step& continued = steps[static_cast<size_t>(first)];
    const bool fits = continued.outputs.size() == 1 && continued.block == step.block &&
                      !plan.is_view[static_cast<size_t>(first)] && plan[x].root == plan[y].root &&
                      plan.program[x].shape == plan.program[y].shape &&
                      plan.program[x].dtype == plan.program[y].dtype;
    if (fits) epilogues[static_cast<size_t>(first)] = static_cast<int64_t>(i);
  }
  return epilogues;
}

}  // namespace onnxray
