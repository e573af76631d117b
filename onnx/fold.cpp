#include "onnx/fold.h"

namespace onnxray {

std::vector<Tensor> evaluate(Program program, Backend& folder) {
  std::vector<DType> types;
  for (const NamedVar& output : program.outputs) types.push_back(program[output.var].dtype);
  const Plan plan = make_plan(std::move(program), folder.plan_options());
  std::vector<Tensor> results = folder.compile(plan)->run({});
  for (size_t i = 0; i < results.size(); ++i) results[i] = results[i].to(types[i]);
  return results;
}

}  // namespace onnxray
