#include "core/cost.h"
#include "core/optimise/form_finder.h"
#include "core/optimise/optimise.h"

namespace onnxray {

void take_weight_forms(Program& program, const PlanOptions& options) {
  const FormFinder finder(program);
  for (Step& step : program.steps) {
    if (!packs_weights(program, step, options) || !finder.is_known(step.inputs[1])) continue;
    if (finder.is_known(step.inputs[0])) continue;  // will be folded itself
    const FormReading weights = finder.reading_of(step.inputs[1]);
    step.inputs[1] = weights.base;
    step.primitive = with_form(std::move(step.primitive), weights.form);
  }
}

}  // namespace onnxray
