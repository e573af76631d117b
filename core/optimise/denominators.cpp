#include "core/optimise/denominators.h"

#include <algorithm>

namespace onnxray {

namespace {

/// What the readers of a value mind about its error.
enum Minds : uint8_t {
  nothing = 0,
  exact_zeros = 1,   ///< a comparison: 0 must not become noise
  small_values = 2,  ///< a denominator: small values must keep their digits
};

bool is_product(const Primitive& p) {
  return std::holds_alternative<Convolution>(p) || std::holds_alternative<ConvolutionInput>(p) ||
         std::holds_alternative<SplitConvolution>(p) || std::holds_alternative<SplitConvolutionInput>(p) ||
         std::holds_alternative<ConvolutionWeight>(p) || std::holds_alternative<MatMul>(p);
}

class Finder {
 public:
  explicit Finder(const Program& program) : program_(program), minds_(program.variables.size(), nothing) {}

  std::vector<bool> run() {
    // Loop variables hand the mark from a trip to the one before it; each round carries it over one
    // hand-over.
    for (size_t round = 0; round <= program_.loop.size(); ++round) {
      for (size_t i = program_.steps.size(); i-- > 0;) mark_inputs(program_.steps[i]);
      for (const LoopVariable& carried : program_.loop) {
        at(carried.next) |= at(carried.current);
        at(carried.initial) |= at(carried.current);
      }
    }
    std::vector<bool> found;
    for (const uint8_t minds : minds_) found.push_back(minds != nothing);
    return found;
  }

 private:
  uint8_t& at(Var v) { return minds_[static_cast<size_t>(v.id)]; }

  void mark_inputs(const Step& step) {
    if (is_product(step.primitive)) {
      const bool has_bias =
          step.inputs.size() > 2 && !std::holds_alternative<SplitConvolutionInput>(step.primitive);
      if (has_bias && has_no_zero(step.inputs[2])) at(step.outputs[0]) &= small_values;
      return;
    }
    if (const auto* p = std::get_if<Elementwise>(&step.primitive)) return mark_chain(step, p->expression);
    uint8_t minds = nothing;
    for (const Var v : step.outputs) minds |= at(v);
    for (const Var v : step.inputs) at(v) |= minds;
  }

  void mark_chain(const Step& step, const Expression& expression) {
    std::vector<uint8_t> results(expression.code.size(), nothing);
    for (size_t k = 0; k < step.outputs.size(); ++k)
      results[static_cast<size_t>(expression.results[k])] |= at(step.outputs[k]);
    const auto mark = [&](const Source& source, uint8_t minds) {
      if (source.kind == Source::Kind::result) results[static_cast<size_t>(source.index)] |= minds;
      if (source.kind == Source::Kind::input) at(step.inputs[static_cast<size_t>(source.index)]) |= minds;
    };
    for (size_t i = expression.code.size(); i-- > 0;) {
      const Instruction& code = expression.code[i];
      const bool compares =
          code.op == Opcode::equal || code.op == Opcode::less || code.op == Opcode::less_equal;
      const bool divides = code.op == Opcode::div || code.op == Opcode::fmod || code.op == Opcode::mod;
      uint8_t a = results[i], b = results[i];
      if (compares) a = b = exact_zeros;
      if (code.op == Opcode::reciprocal) a = small_values;
      if (divides) b = small_values;
      if (code.op == Opcode::add && has_no_zero(step, code.b)) a &= small_values;
      if (code.op == Opcode::add && has_no_zero(step, code.a)) b &= small_values;
      mark(code.a, a);
      mark(code.b, b);
      mark(code.c, results[i]);
    }
  }

  /// Whether an operand is a constant, such as a bias, that is nowhere 0.
  bool has_no_zero(const Step& step, const Source& source) const {
    if (source.kind == Source::Kind::immediate) return source.value != 0;
    return source.kind == Source::Kind::input && has_no_zero(step.inputs[static_cast<size_t>(source.index)]);
  }

  bool has_no_zero(Var v) const {
    const auto& constant = program_[v].constant;
    constexpr int64_t kMost = int64_t{1} << 16;
    if (!constant || constant->size() > kMost) return false;
    for (int64_t i = 0; i < constant->size(); ++i) {
      if (constant->as_double(i) == 0) return false;
    }
    return true;
  }

  const Program& program_;
  std::vector<uint8_t> minds_;  // by variable
};

}  // namespace

std::vector<bool> find_denominators(const Program& program) { return Finder(program).run(); }

}  // namespace onnxray
