#include "backward/finiteness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

namespace onnxray {

namespace {

/// What is known of every entry of a variable.
struct Facts {
  bool infinite = false;      ///< may be infinite or NaN
  bool non_negative = false;  ///< or NaN
  bool non_zero = false;
  bool positive() const { return non_negative && non_zero; }
};

Facts facts_of(double v) { return {!std::isfinite(v), v >= 0, v != 0}; }

Facts both(const Facts& a, const Facts& b) {
  return {a.infinite || b.infinite, a.non_negative && b.non_negative, a.non_zero && b.non_zero};
}

/// Without a jump, for tables of embeddings are large.
Facts facts_of(std::span<const float> values) {
  constexpr auto kExponent = std::bit_cast<uint32_t>(std::numeric_limits<float>::infinity());
  uint32_t infinite = 0, negative = 0, zero = 0;
  for (const float v : values) {
    infinite |= uint32_t{(std::bit_cast<uint32_t>(v) & kExponent) == kExponent};
    negative |= uint32_t{!(v >= 0)};
    zero |= uint32_t{v == 0};
  }
  return {infinite != 0, negative == 0, zero == 0};
}

Facts facts_of(const Tensor& t) {
  if (t.dtype() == DType::f32) return facts_of(t.data<float>());
  Facts all{false, true, true};
  for (int64_t i = 0; i < t.size(); ++i) all = both(all, facts_of(t.as_double(i)));
  return all;
}

bool is_whole(double v) { return v == std::floor(v); }

class Analysis {
 public:
  explicit Analysis(const Program& program)
      : program_(program), facts_(program.variables.size()), seen_(program.variables.size(), false) {}

  std::vector<bool> run() {
    for (const NamedVar& input : program_.inputs)
      at(input.var).infinite = is_floating(program_[input.var].dtype);
    for (const Step& step : program_.steps) visit(step);
    std::vector<bool> result;
    for (const Facts& facts : facts_) result.push_back(facts.infinite);
    return result;
  }

 private:
  Facts& at(Var v) { return facts_[static_cast<size_t>(v.id)]; }

  /// Weights are large, and only products read them: constants are looked at where a step asks.
  const Facts& of(Var v) {
    const auto i = static_cast<size_t>(v.id);
    if (program_.is_constant(v) && !seen_[i]) {
      seen_[i] = true;
      facts_[i] = facts_of(*program_[v].constant);
    }
    return facts_[i];
  }

  void visit(const Step& step) {
    const Primitive& p = step.primitive;
    if (const auto* elementwise = std::get_if<Elementwise>(&p)) {
      const Facts facts = result(step, elementwise->expression);
      for (const Var y : step.outputs) at(y) = facts;
      return;
    }
    const bool moves = std::holds_alternative<Reshape>(p) || std::holds_alternative<Transpose>(p) ||
                       std::holds_alternative<Broadcast>(p) || std::holds_alternative<Slice>(p) ||
                       std::holds_alternative<Gather>(p) || std::holds_alternative<GatherElements>(p);
    if (moves) {
      at(step.outputs[0]) = of(step.inputs[0]);
    } else if (std::holds_alternative<Softmax>(p)) {
      at(step.outputs[0]).infinite = of(step.inputs[0]).infinite;
    } else if (const auto* place = std::get_if<Place>(&p)) {
      at(step.outputs[0]) = both(of(step.inputs[0]), facts_of(place->fill));
    } else if (std::holds_alternative<Concat>(p)) {
      Facts all = of(step.inputs[0]);
      for (const Var x : step.inputs) all = both(all, of(x));
      at(step.outputs[0]) = all;
    } else if (std::holds_alternative<Reduce>(p) || std::holds_alternative<SumPool>(p)) {
      at(step.outputs[0]).non_negative = of(step.inputs[0]).non_negative;
    }
  }

  Facts result(const Step& step, const Expression& expression) {
    const Instruction& code = expression.code[0];
    const auto source = [&](const Source& s) {
      return s.kind == Source::Kind::input ? of(step.inputs[static_cast<size_t>(s.index)])
                                           : facts_of(s.value);
    };
    const Facts a = source(code.a), b = arity(code.op) > 1 ? source(code.b) : Facts{},
                c = arity(code.op) > 2 ? source(code.c) : Facts{};
    // The reverse walk sees one instruction in each step.
    if (expression.code.size() != 1 || yields_boolean(code.op)) return {};
    if (code.op == Opcode::pow) return power(code, a, b);
    if (arity(code.op) == 1) return unary(code.op, a);
    if (code.op == Opcode::select) return both(b, c);
    if (code.op == Opcode::clip) return {a.infinite, a.non_negative || b.non_negative, b.positive()};
    return binary(code, a, b);
  }

  static Facts unary(Opcode op, const Facts& a) {
    switch (op) {
      case Opcode::exp: return {true, true, false};
      case Opcode::cosh: return {true, true, true};
      case Opcode::log:
      case Opcode::tan:
      case Opcode::asin:
      case Opcode::acos:
      case Opcode::acosh:
      case Opcode::atanh:
      case Opcode::sinh: return {true, false, false};
      case Opcode::sqrt: return {a.infinite || !a.non_negative, true, a.positive()};
      case Opcode::reciprocal: return {a.infinite || !a.non_zero, a.non_negative, a.non_zero};
      case Opcode::copy: return a;
      case Opcode::neg: return {a.infinite, false, a.non_zero};
      case Opcode::abs: return {a.infinite, true, a.non_zero};
      case Opcode::relu:
      case Opcode::sigmoid:
      case Opcode::softplus: return {a.infinite, true, false};
      default: return {a.infinite, false, false};
    }
  }

  static Facts binary(const Instruction& code, const Facts& a, const Facts& b) {
    const bool infinite = a.infinite || b.infinite;
    const bool is_square = code.a == code.b;
    switch (code.op) {
      case Opcode::add: {
        const bool non_negative = a.non_negative && b.non_negative;
        return {infinite, non_negative, non_negative && (a.non_zero || b.non_zero)};
      }
      case Opcode::mul:
        return {infinite, is_square || (a.non_negative && b.non_negative), a.non_zero && b.non_zero};
      case Opcode::div:
        return {infinite || !b.non_zero, a.non_negative && b.non_negative, a.non_zero && b.non_zero};
      case Opcode::mod:
      case Opcode::fmod: return {infinite || !b.non_zero, false, false};
      case Opcode::max: return {infinite, a.non_negative || b.non_negative, a.positive() || b.positive()};
      case Opcode::min: return both(a, b);
      default: return {infinite, false, false};
    }
  }

  static Facts power(const Instruction& code, const Facts& a, const Facts& b) {
    if (code.b.kind != Source::Kind::immediate) return {true, a.non_negative, false};
    const double n = code.b.value;
    const bool even = is_whole(n / 2);
    const bool in_domain = (a.non_negative || is_whole(n)) && (n >= 0 || a.non_zero);
    return {a.infinite || b.infinite || !in_domain, a.non_negative || even, a.non_zero};
  }

  const Program& program_;
  std::vector<Facts> facts_;
  std::vector<bool> seen_;  // constants that were looked at
};

}  // namespace

std::vector<bool> infinite_variables(const Program& program) { return Analysis(program).run(); }

}  // namespace onnxray
