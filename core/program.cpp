#include "core/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace onnxray {

Var Program::add_variable(Shape shape, DType dtype, std::string label) {
  variables.push_back({.shape = std::move(shape), .dtype = dtype, .constant = {}, .label = std::move(label)});
  return Var{static_cast<int32_t>(variables.size()) - 1};
}

namespace {

std::string reference(const Program& program, Var v) {
  const Variable& variable = program[v];
  if (!variable.constant) return fmt::format("%{}", v.id);
  if (variable.constant->size() == 1) return fmt::format("{:g}", variable.constant->as_double(0));
  return fmt::format("${}{}", variable.label.empty() ? std::to_string(v.id) : variable.label,
                     to_string(variable.shape));
}

std::string definition(const Program& program, Var v) {
  return fmt::format("%{}:{}{}", v.id, name_of(program[v].dtype), to_string(program[v].shape));
}

std::string_view heading(Block block) {
  switch (block) {
    case Block::once: return "once";
    case Block::repeat: return "repeat";
    case Block::finish: return "finish";
  }
  return "?";
}

}  // namespace

std::string Program::to_text() const {
  std::string text;
  for (const NamedVar& input : inputs)
    text += fmt::format("input  {} '{}'\n", definition(*this, input.var), input.name);
  std::optional<Block> block;
  for (const Step& step : steps) {
    if (trips > 1 && block != step.block) text += fmt::format("{}:\n", heading(step.block));
    block = step.block;
    std::vector<std::string> outs, ins;
    for (const Var v : step.outputs) outs.push_back(definition(*this, v));
    for (const Var v : step.inputs) ins.push_back(reference(*this, v));
    std::string line = fmt::format("{} = {}({}) {}", fmt::join(outs, ", "), name_of(step.primitive),
                                   fmt::join(ins, ", "), attributes_text(step.primitive));
    while (line.ends_with(' ')) line.pop_back();
    const std::string& label = (*this)[step.outputs.front()].label;
    text += line + (label.empty() ? "\n" : fmt::format("  # {}\n", label));
  }
  for (const NamedVar& output : outputs)
    text += fmt::format("output {} '{}'\n", reference(*this, output.var), output.name);
  return text;
}

}  // namespace onnxray
