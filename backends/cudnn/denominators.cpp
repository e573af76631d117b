#include "backends/cudnn/denominators.h"

#include <algorithm>

namespace onnxray::cudnn {

namespace {

bool is_product(const Primitive& p) {
  return std::holds_alternative<Convolution>(p) || std::holds_alternative<ConvolutionInput>(p) ||
         std::holds_alternative<ConvolutionWeight>(p) || std::holds_alternative<MatMul>(p);
}

class Finder {
 public:
  explicit Finder(const Program& program) : program_(program), found_(program.variables.size(), false) {}

  std::vector<bool> run() {
    // Loop variables hand the mark from a trip to the one before it; each round carries it over one
    // hand-over.
    for (size_t round = 0; round <= program_.loop.size(); ++round) {
      for (size_t i = program_.steps.size(); i-- > 0;) mark_inputs(program_.steps[i]);
      for (const LoopVariable& carried : program_.loop) {
        if (!at(carried.current)) continue;
        at(carried.next) = true;
        at(carried.initial) = true;
      }
    }
    return std::move(found_);
  }

 private:
  std::vector<bool>::reference at(Var v) { return found_[static_cast<size_t>(v.id)]; }

  void mark_inputs(const Step& step) {
    if (is_product(step.primitive)) return;
    if (const auto* p = std::get_if<Elementwise>(&step.primitive)) return mark_chain(step, p->expression);
    const bool sensitive = std::ranges::any_of(step.outputs, [&](Var v) { return at(v); });
    for (const Var v : step.inputs) at(v) = at(v) || sensitive;
  }

  void mark_chain(const Step& step, const Expression& expression) {
    std::vector<bool> results(expression.code.size(), false);
    for (size_t k = 0; k < step.outputs.size(); ++k) {
      if (at(step.outputs[k])) results[static_cast<size_t>(expression.results[k])] = true;
    }
    const auto mark = [&](const Source& source) {
      if (source.kind == Source::Kind::result) results[static_cast<size_t>(source.index)] = true;
      if (source.kind == Source::Kind::input) at(step.inputs[static_cast<size_t>(source.index)]) = true;
    };
    for (size_t i = expression.code.size(); i-- > 0;) {
      const Instruction& code = expression.code[i];
      const bool compares =
          code.op == Opcode::equal || code.op == Opcode::less || code.op == Opcode::less_equal;
      if (results[i] || compares || code.op == Opcode::reciprocal) mark(code.a);
      if (results[i] || compares || code.op == Opcode::div || code.op == Opcode::fmod ||
          code.op == Opcode::mod)
        mark(code.b);
      if (results[i]) mark(code.c);
    }
  }

  const Program& program_;
  std::vector<bool> found_;
};

}  // namespace

std::vector<bool> find_denominators(const Program& program) { return Finder(program).run(); }

}  // namespace onnxray::cudnn
