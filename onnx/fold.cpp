#include "onnx/fold.h"

namespace onnxray {

std::vector<Tensor> evaluate(Program program, Backend& backend, std::span<const Tensor> inputs) {
  std::vector<DType> types;
  for (const NamedVar& output : program.outputs) types.push_back(program[output.var].dtype);
  const Plan plan = make_plan(std::move(program), backend.plan_options());
  std::vector<Tensor> results = backend.compile(plan)->run(inputs);
  for (size_t i = 0; i < results.size(); ++i) results[i] = results[i].to(types[i]);
  return results;
}

}  // namespace onnxray
