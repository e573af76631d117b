#include <algorithm>

#include "core/optimise/optimise.h"

namespace onnxray {

void eliminate_dead_code(Program& program) {
  std::vector<bool> needed(program.variables.size(), false);
  const auto need = [&](Var v) { needed[static_cast<size_t>(v.id)] = true; };
  const auto is_needed = [&](Var v) { return static_cast<bool>(needed[static_cast<size_t>(v.id)]); };
  for (const NamedVar& output : program.outputs) need(output.var);

  std::vector<bool> keep(program.steps.size(), false);
  bool changed = true;
  while (changed) {  // a loop variable's `next` is needed once its `current` is, which may come later in the
                     // list
    changed = false;
    for (size_t i = program.steps.size(); i-- > 0;) {
      const Step& step = program.steps[i];
      if (keep[i] || std::ranges::none_of(step.outputs, is_needed)) continue;
      keep[i] = changed = true;
      for (const Var v : step.inputs) need(v);
    }
    for (const LoopVariable& carried : program.loop) {
      if (!is_needed(carried.current) || (is_needed(carried.next) && is_needed(carried.initial))) continue;
      need(carried.next);
      need(carried.initial);
      changed = true;
    }
  }
  size_t i = 0;
  std::erase_if(program.steps, [&](const Step&) { return !keep[i++]; });
  std::erase_if(program.loop, [&](const LoopVariable& carried) { return !is_needed(carried.current); });
}

}  // namespace onnxray
