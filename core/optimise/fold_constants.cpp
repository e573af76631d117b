#include <algorithm>
#include <set>
#include <span>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// Folding must not trade a cheap step for much memory: a result may exceed its operands only if it is small.
constexpr int64_t kSmallResult = 1 << 20;
/// Products are worth more.
constexpr int64_t kSmallProduct = 1 << 24;
/// Entries of results that are computed at once.
constexpr int64_t kRunTogether = 1 << 24;

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

/// Makes constants of what `folded` computes for `outputs`, and drops its steps that are done.
void evaluate(Program& folded, std::span<const NamedVar> outputs, Program& program, Backend& backend) {
  Program part = folded;
  part.outputs.assign(outputs.begin(), outputs.end());
  eliminate_dead_code(part);
  std::vector<Tensor> values = backend.compile(make_plan(std::move(part), backend.plan_options()))->run({});
  for (size_t i = 0; i < outputs.size(); ++i) program[outputs[i].var].constant = std::move(values[i]);
  std::erase_if(folded.steps, [&](const Step& step) {
    if (!std::ranges::all_of(step.outputs, [&](Var v) { return program.is_constant(v); })) return false;
    for (const Var v : step.outputs) folded[v].constant = program[v].constant;
    return true;
  });
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
  const auto size = [&](const NamedVar& output) { return element_count(program[output.var].shape); };
  std::ranges::stable_sort(folded.outputs, std::ranges::greater{}, size);
  // While results are copied out they take memory twice: the largest first, while there is little else.
  for (std::span<const NamedVar> rest = folded.outputs; !rest.empty();) {
    int64_t together = 0;
    const auto end = std::ranges::find_if(
        rest, [&](const NamedVar& output) { return (together += size(output)) > kRunTogether; });
    const auto count = std::max<size_t>(static_cast<size_t>(end - rest.begin()), 1);
    evaluate(folded, rest.first(count), program, backend);
    rest = rest.subspan(count);
  }
}

}  // namespace onnxray
