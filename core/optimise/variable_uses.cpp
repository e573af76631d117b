#include "core/optimise/variable_uses.h"

namespace onnxray {

namespace {

size_t index(Var v) { return static_cast<size_t>(v.id); }

}  // namespace

std::vector<int64_t> count_readers(const Program& program) {
  std::vector<int64_t> readers(program.variables.size(), 0);
  const auto read = [&](Var v) { ++readers[index(v)]; };
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

std::vector<int64_t> find_writers(const Program& program) {
  std::vector<int64_t> writers(program.variables.size(), -1);
  for (size_t i = 0; i < program.steps.size(); ++i) {
    for (const Var v : program.steps[i].outputs) writers[index(v)] = static_cast<int64_t>(i);
  }
  return writers;
}

}  // namespace onnxray
