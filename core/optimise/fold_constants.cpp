#include <algorithm>
#include <set>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// Folding must not trade a cheap step for much memory: a result may exceed its operands only if it is small.
constexpr int64_t kSmallResult = 1 << 20;
/// Products are worth more.
constexpr int64_t kSmallProduct = 1 << 24;

bool is_product(const Primitive& p) {
  return std::holds_alternative<Convolution>(p) || std::holds_alternative<ConvolutionInput>(p) ||
         std::holds_alternative<MatMul>(p);
}

bool worth_folding(const Program& program, const Step& step) {
  int64_t operands = 0, results = 0;
  for (const Var v : step.inputs) operands += element_count(program[v].shape);
  for (const Var v : step.outputs) results += element_count(program[v].shape);
  return results <= std::max(is_product(step.primitive) ? kSmallProduct : kSmallResult, operands);
}

}  // namespace

void fold_constants(Program& program, Backend& backend) {
  Program folded;  // the constant steps, over the same variables
  folded.variables = program.variables;
  std::vector<bool> known(program.variables.size(), false);
  for (size_t v = 0; v < known.size(); ++v) known[v] = program.variables[v].constant.has_value();
  const auto is_known = [&](Var v) { return static_cast<bool>(known[static_cast<size_t>(v.id)]); };
  std::erase_if(program.steps, [&](const Step& step) {
    if (!std::ranges::all_of(step.inputs, is_known) || !worth_folding(program, step)) return false;
    for (const Var v : step.outputs) known[static_cast<size_t>(v.id)] = true;
    folded.steps.push_back(step);
    folded.steps.back().block = Block::once;
    return true;
  });
  if (folded.steps.empty()) return;

  std::set<int32_t> read;  // what the rest of the program needs of them
  for (const Step& step : program.steps) {
    for (const Var v : step.inputs) read.insert(v.id);
  }
  for (const NamedVar& output : program.outputs) read.insert(output.var.id);
  for (const LoopVariable& carried : program.loop) read.insert({carried.initial.id, carried.next.id});
  for (const Step& step : folded.steps) {
    for (const Var v : step.outputs) {
      if (read.contains(v.id)) folded.outputs.push_back({"", v});
    }
  }
  eliminate_dead_code(folded);
  const std::vector<NamedVar> outputs = folded.outputs;
  std::vector<Tensor> values = backend.compile(make_plan(std::move(folded), backend.plan_options()))->run({});
  for (size_t i = 0; i < outputs.size(); ++i) program[outputs[i].var].constant = std::move(values[i]);
}

}  // namespace onnxray
