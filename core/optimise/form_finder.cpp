#include "core/optimise/form_finder.h"

#include <algorithm>

namespace onnxray {

namespace {

using Kind = WeightForm::Kind;

bool is_number(const Source& s, double value) {
  return s.kind == Source::Kind::immediate && s.value == value;
}
bool is_input(const Source& s) { return s.kind == Source::Kind::input; }

std::optional<Kind> kind_of(const Instruction& code) {
  const bool with_zero =
      (is_input(code.a) && is_number(code.b, 0)) || (is_input(code.b) && is_number(code.a, 0));
  switch (code.op) {
    case Opcode::relu: return Kind::positive;
    case Opcode::abs: return Kind::magnitude;
    case Opcode::max: return with_zero ? std::optional(Kind::positive) : std::nullopt;
    case Opcode::min: return with_zero ? std::optional(Kind::negative) : std::nullopt;
    case Opcode::mul:
      return is_input(code.a) && code.a == code.b ? std::optional(Kind::square) : std::nullopt;
    default: return {};
  }
}

}  // namespace

FormFinder::FormFinder(const Program& program)
    : known_(program.variables.size()), forms_(known_.size()), shares_(known_.size()) {
  for (size_t v = 0; v < known_.size(); ++v) known_[v] = program.variables[v].constant.has_value();
  for (const Step& step : program.steps) visit(program, step);
}

void FormFinder::visit(const Program& program, const Step& step) {
  if (!std::ranges::all_of(step.inputs, [&](Var v) { return is_known(v); })) return;
  for (const Var v : step.outputs) known_[index(v)] = true;
  const auto* p = std::get_if<Elementwise>(&step.primitive);
  if (!p || p->expression.code.size() != 1 || step.inputs.empty()) return;
  const Var x = step.inputs[0], y = step.outputs[0];
  const bool alike = std::ranges::all_of(step.inputs, [&](Var v) {
    return program[v].shape == program[y].shape && program[v].dtype == program[y].dtype;
  });
  if (!alike || !is_floating(program[y].dtype)) return;
  const Instruction& code = p->expression.code[0];
  if (const auto kind = kind_of(code)) forms_[index(y)] = FormReading{x, {*kind, 0}};
  find_raised(step, code);
}

/// w + gamma max(w, 0), in two steps: the product, then the sum.
void FormFinder::find_raised(const Step& step, const Instruction& code) {
  const Var y = step.outputs[0];
  if (code.op == Opcode::mul && step.inputs.size() == 1) {
    const Source& number = is_input(code.a) ? code.b : code.a;
    const auto& part = forms_[index(step.inputs[0])];
    if (number.kind == Source::Kind::immediate && part && part->form.kind == Kind::positive)
      shares_[index(y)] = FormReading{part->base, {Kind::raised, number.value}};
  }
  if (code.op != Opcode::add || step.inputs.size() != 2) return;
  for (size_t i = 0; i < 2; ++i) {
    const auto& share = shares_[index(step.inputs[i])];
    if (share && share->base == step.inputs[1 - i]) forms_[index(y)] = share;
  }
}

}  // namespace onnxray
