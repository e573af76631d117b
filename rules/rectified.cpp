#include "rules/rectified.h"

#include <functional>
#include <vector>

namespace onnxray {

namespace {

/// Says of a variable that it is 0 at every place in question.
using IsGate = std::function<bool(Var)>;

class Tracer {
 public:
  explicit Tracer(const Program& program) : program_(program), producer_(program.variables.size(), -1) {
    for (size_t i = 0; i < program.steps.size(); ++i) {
      for (const Var v : program.steps[i].outputs)
        producer_[static_cast<size_t>(v.id)] = static_cast<int64_t>(i);
    }
  }

  /// Relu(z) or max(z, 0).
  bool rectifies(Var v, Var z) const {
    const auto [step, code] = instruction(v);
    if (!step || step->inputs[0] != z) return false;
    return code->op == Opcode::relu || (code->op == Opcode::max && (is_zero(code->a) || is_zero(code->b)));
  }

  /// The same, perhaps capped.
  bool rectifies_capped(Var v, Var z) const {
    if (rectifies(v, z)) return true;
    const auto [step, code] = instruction(v);
    if (!step) return false;
    if (code->op == Opcode::clip) return step->inputs[0] == z && is_zero(code->b);
    return code->op == Opcode::min && step->inputs.size() == 1 && rectifies(step->inputs[0], z);
  }

  /// Whether v is 0 wherever the gate is.
  bool vanishes(Var v, const IsGate& is_gate) const {
    v = without_reshapes(v);
    const Step* step = producer(v);
    if (!step) return false;
    if (std::holds_alternative<MaxPoolScatter>(step->primitive)) {
      // The winner's value is the pool's result, so what is 0 where that is lands on zeros.
      const Step* pool = producer(step->inputs[1]);
      const bool of_gate = pool && std::holds_alternative<MaxPool>(pool->primitive) &&
                           is_gate(without_reshapes(pool->inputs[0]));
      return of_gate && vanishes(step->inputs[0], [&](Var p) { return p == pool->outputs[0]; });
    }
    const auto [unused, code] = instruction(v);
    return code && vanishes(*step, *code, is_gate);
  }

 private:
  const Step* producer(Var v) const {
    const int64_t i = producer_[static_cast<size_t>(v.id)];
    return i < 0 ? nullptr : &program_.steps[static_cast<size_t>(i)];
  }

  Var without_reshapes(Var v) const {
    for (const Step* step = producer(v); step && std::holds_alternative<Reshape>(step->primitive);
         step = producer(v))
      v = step->inputs[0];
    return v;
  }

  struct Single {
    const Step* step = nullptr;
    const Instruction* code = nullptr;
  };
  /// The step behind v where it is one instruction.
  Single instruction(Var v) const {
    const Step* step = producer(v);
    const auto* elementwise = step ? std::get_if<Elementwise>(&step->primitive) : nullptr;
    if (!elementwise || elementwise->expression.code.size() != 1) return {};
    return {step, &elementwise->expression.code[0]};
  }

  static bool is_zero(const Source& a) { return a.kind == Source::Kind::immediate && a.value == 0; }

  bool vanishes(const Step& step, const Instruction& code, const IsGate& is_gate) const {
    const auto operand = [&](const Source& s) { return step.inputs[static_cast<size_t>(s.index)]; };
    const auto zero_there = [&](const Source& s) {
      if (s.kind != Source::Kind::input) return is_zero(s);
      return is_gate(without_reshapes(operand(s))) || vanishes(operand(s), is_gate);
    };
    switch (code.op) {
      case Opcode::copy:
      case Opcode::neg:
      case Opcode::div: return zero_there(code.a);
      case Opcode::mul: return zero_there(code.a) || zero_there(code.b);
      case Opcode::add:
      case Opcode::sub: return zero_there(code.a) && zero_there(code.b);
      case Opcode::select: return zero_there(code.b) && zero_there(code.c);
      default: return false;
    }
  }

  const Program& program_;
  std::vector<int64_t> producer_;  // by variable: the step
};

}  // namespace

Var rectified_twin(const Program& program, Var R, Var z) {
  const Tracer tracer(program);
  Var twin;
  const auto is_twin = [&](Var v) {
    if (!tracer.rectifies(v, z)) return false;
    twin = v;
    return true;
  };
  return tracer.vanishes(R, is_twin) ? twin : Var{};
}

bool vanishes_behind_relu(const Program& program, Var R, Var z) {
  const Tracer tracer(program);
  return tracer.vanishes(R, [&](Var v) { return tracer.rectifies_capped(v, z); });
}

}  // namespace onnxray
