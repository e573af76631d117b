#include <algorithm>
#include <optional>
#include <set>

#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// Entries from which on a matrix does not stay in a core's own cache: products of few rows then wait for
/// memory, and a copy of a form takes more of it than all activations of such a layer.
constexpr int64_t kLargeMatrix = 1 << 20;
/// Products that read one matrix together. More of them wait for arithmetic, not for memory.
constexpr size_t kMostProducts = 4;
/// What is computed earlier than it was, so that products can be joined, takes memory for longer: at most
/// this share of the matrix.
constexpr int64_t kMovedShare = 8;

/// A known matrix of which something is a form.
struct Reading {
  Var base;
  WeightForm form;
};

/// Which variables hold an elementwise form of a known matrix: constant, or computed of constants alone.
class FormFinder {
 public:
  explicit FormFinder(const Program& program)
      : program_(program), known_(program.variables.size()), forms_(known_.size()), shares_(known_.size()) {
    for (size_t v = 0; v < known_.size(); ++v) known_[v] = program.variables[v].constant.has_value();
    for (const Step& step : program.steps) visit(step);
  }

  /// Of variables that the program had when it was searched.
  bool is_known(Var v) const { return index(v) < known_.size() && known_[index(v)]; }

  /// v itself where it is a form of nothing.
  Reading reading_of(Var v) const { return forms_[index(v)].value_or(Reading{v, {}}); }

 private:
  using Kind = WeightForm::Kind;

  static size_t index(Var v) { return static_cast<size_t>(v.id); }

  void visit(const Step& step) {
    if (!std::ranges::all_of(step.inputs, [&](Var v) { return is_known(v); })) return;
    for (const Var v : step.outputs) known_[index(v)] = true;
    const auto* p = std::get_if<Elementwise>(&step.primitive);
    if (!p || p->expression.code.size() != 1 || step.inputs.empty()) return;
    const Var x = step.inputs[0], y = step.outputs[0];
    const bool alike = std::ranges::all_of(step.inputs, [&](Var v) {
      return program_[v].shape == program_[y].shape && program_[v].dtype == program_[y].dtype;
    });
    if (!alike || !is_floating(program_[y].dtype)) return;
    const Instruction& code = p->expression.code[0];
    if (const auto kind = kind_of(code)) forms_[index(y)] = Reading{x, {*kind, 0}};
    find_raised(step, code);
  }

  static bool is_number(const Source& s, double value) {
    return s.kind == Source::Kind::immediate && s.value == value;
  }
  static bool is_input(const Source& s) { return s.kind == Source::Kind::input; }

  static std::optional<Kind> kind_of(const Instruction& code) {
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

  /// w + gamma max(w, 0), in two steps: the product, then the sum.
  void find_raised(const Step& step, const Instruction& code) {
    const Var y = step.outputs[0];
    if (code.op == Opcode::mul && step.inputs.size() == 1) {
      const Source& number = is_input(code.a) ? code.b : code.a;
      const auto& part = forms_[index(step.inputs[0])];
      if (number.kind == Source::Kind::immediate && part && part->form.kind == Kind::positive)
        shares_[index(y)] = Reading{part->base, {Kind::raised, number.value}};
    }
    if (code.op != Opcode::add || step.inputs.size() != 2) return;
    for (size_t i = 0; i < 2; ++i) {
      const auto& share = shares_[index(step.inputs[i])];
      if (share && share->base == step.inputs[1 - i]) forms_[index(y)] = share;
    }
  }

  const Program& program_;
  std::vector<bool> known_;                     // by variable
  std::vector<std::optional<Reading>> forms_;   // by variable
  std::vector<std::optional<Reading>> shares_;  // by variable: gamma max(base, 0)
};

class Joiner {
 public:
  Joiner(Program& program, int64_t most_rows) : program_(program), finder_(program), most_rows_(most_rows) {}

  void run() {
    for (size_t i = 0; i < steps().size(); ++i) {
      if (!is_candidate(steps()[i])) continue;
      if (reading_of(steps()[i]).form.kind != WeightForm::Kind::whole) convert(i);
      // What was moved in front of the step may be a candidate too.
      if (join_one(i)) --i;
    }
  }

 private:
  std::vector<Step>& steps() { return program_.steps; }
  const Shape& shape(Var v) const { return program_[v].shape; }

  static const FormProducts* joined(const Step& step) { return std::get_if<FormProducts>(&step.primitive); }
  static bool transposes_b(const Step& step) {
    return joined(step) ? joined(step)->transpose_b : std::get<MatMul>(step.primitive).transpose_b;
  }
  static size_t products_of(const Step& step) { return joined(step) ? joined(step)->forms.size() : 1; }
  Reading reading_of(const Step& step) const {
    return joined(step) ? Reading{step.inputs.back(), {}} : finder_.reading_of(step.inputs[1]);
  }

  /// A product of few rows of something unknown with a form of a large known matrix.
  bool is_candidate(const Step& step) const {
    if (joined(step)) return true;
    const auto* matmul = std::get_if<MatMul>(&step.primitive);
    if (!matmul || matmul->transpose_a) return false;
    const Var a = step.inputs[0], b = step.inputs[1];
    return shape(a).size() == 2 && shape(b).size() == 2 && shape(a)[0] <= most_rows_ &&
           element_count(shape(b)) >= kLargeMatrix && is_floating(program_[a].dtype) &&
           is_floating(program_[b].dtype) && finder_.is_known(b) && !finder_.is_known(a);
  }

  /// Joins the next product that can be joined with that of step `i`.
  bool join_one(size_t i) {
    const Var base = reading_of(steps()[i]).base;
    for (size_t j = i + 1; j < steps().size(); ++j) {
      const Step &first = steps()[i], &second = steps()[j];
      if (!is_candidate(second) || reading_of(second).base != base || second.block != first.block ||
          transposes_b(first) != transposes_b(second) ||
          products_of(first) + products_of(second) > kMostProducts)
        continue;
      const auto needed = needed_between(i, j);
      if (!needed) continue;
      join(i, j, *needed);
      return true;
    }
    return false;
  }

  /// Which steps between i and j step j needs; none where it needs step i, or where they hold too much.
  std::optional<std::set<int32_t>> needed_between(size_t i, size_t j) {
    std::set<int32_t> variables;  // results wanted in front of step i
    const auto want = [&](const Step& step) {
      for (const Var v : step.inputs) variables.insert(v.id);
    };
    const auto is_wanted = [&](const Step& step) {
      return std::ranges::any_of(step.outputs, [&](Var v) { return variables.contains(v.id); });
    };
    int64_t held = 0;
    const auto hold = [&](const Step& step) {
      for (const Var v : step.outputs) held += finder_.is_known(v) ? 0 : element_count(shape(v));
    };
    want(steps()[j]);
    hold(steps()[j]);
    for (size_t k = j; k-- > i + 1;) {
      if (!is_wanted(steps()[k])) continue;
      want(steps()[k]);
      hold(steps()[k]);
    }
    const int64_t most = element_count(shape(reading_of(steps()[i]).base)) / kMovedShare;
    if (is_wanted(steps()[i]) || held > most) return {};
    return variables;
  }

  void join(size_t i, size_t j, const std::set<int32_t>& needed) {
    convert(j);
    const auto at = [&](size_t n) { return steps().begin() + static_cast<std::ptrdiff_t>(n); };
    const auto first = std::stable_partition(at(i), at(j), [&](const Step& step) {
      return std::ranges::any_of(step.outputs, [&](Var v) { return needed.contains(v.id); });
    });
    i = static_cast<size_t>(first - at(0));
    Step second = std::move(steps()[j]);
    steps().erase(at(j));
    convert(i);
    Step& step = steps()[i];
    auto& forms = std::get<FormProducts>(step.primitive).forms;
    const auto& more = std::get<FormProducts>(second.primitive).forms;
    forms.insert(forms.end(), more.begin(), more.end());
    step.inputs.insert(step.inputs.end() - 1, second.inputs.begin(), second.inputs.end() - 1);
    step.outputs.insert(step.outputs.end(), second.outputs.begin(), second.outputs.end());
  }

  /// Makes a FormProducts of a MatMul; its bias becomes a step of its own, which joins what follows.
  void convert(size_t i) {
    Step& step = steps()[i];
    if (joined(step)) return;
    const Reading reading = reading_of(step);
    const std::vector<Var> operands = step.inputs;
    step.primitive = FormProducts{transposes_b(step), {reading.form}};
    step.inputs = {operands[0], reading.base};
    if (operands.size() < 3) return;
    const Var y = step.outputs[0];
    const Var product = program_.add_variable(shape(y), program_[y].dtype, program_[y].label);
    const auto input = [](int32_t n) { return Source{Source::Kind::input, n, 0}; };
    const Expression sum{Expression::Domain::real, {{Opcode::add, input(0), input(1), {}}}, {0}};
    Step add{Elementwise{sum}, {product, operands[2]}, {y}, step.block, step.node};
    step.outputs = {product};
    steps().insert(steps().begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(add));
  }

  Program& program_;
  FormFinder finder_;
  int64_t most_rows_;
};

}  // namespace

void join_form_products(Program& program, const PlanOptions& options) {
  if (options.reads_forms) Joiner(program, options.unpacked_rows).run();
}

}  // namespace onnxray
