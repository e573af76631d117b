#include <algorithm>

#include "core/optimise/optimise.h"

namespace onnxray {

void hoist_invariants(Program& program) {
  std::vector<bool> varies(program.variables.size(), false);
  for (const LoopVariable& carried : program.loop) varies[static_cast<size_t>(carried.current.id)] = true;
  if (program.step_index) varies[static_cast<size_t>(program.step_index.id)] = true;
  for (Step& step : program.steps) {
    if (step.block != Block::repeat) continue;
    const bool depends =
        std::ranges::any_of(step.inputs, [&](Var v) { return varies[static_cast<size_t>(v.id)]; });
    if (depends) {
      for (const Var v : step.outputs) varies[static_cast<size_t>(v.id)] = true;
    } else {
      step.block = Block::once;
    }
  }
  std::ranges::stable_sort(program.steps, {}, &Step::block);
}

}  // namespace onnxray
