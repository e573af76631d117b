#include "core/epilogue.h"

#include <algorithm>

#include "core/optimise/variable_uses.h"

namespace onnxray {

namespace {

size_t index(Var v) { return static_cast<size_t>(v.id); }

class EpilogueFinder {
 public:
  explicit EpilogueFinder(const Plan& plan)
      : plan_(plan), readers_(count_readers(plan.program)), writers_(find_writers(plan.program)) {}

  std::vector<Epilogue> run() const {
    std::vector<Epilogue> epilogues(steps().size());
    for (size_t last = 0; last < steps().size(); ++last) {
      const Step& step = steps()[last];
      if (!std::holds_alternative<Elementwise>(step.primitive) || step.outputs.size() != 1) continue;
      for (size_t k = 0; k < step.inputs.size(); ++k) {
        const int64_t first = writers_[index(step.inputs[k])];
        if (first < 0 || !continues(static_cast<size_t>(first), last, k)) continue;
        epilogues[static_cast<size_t>(first)] = {static_cast<int64_t>(last), k};
        break;
      }
    }
    return epilogues;
  }

 private:
  const std::vector<Step>& steps() const { return plan_.program.steps; }

  bool continues(size_t first, size_t last, size_t k) const {
    const Step &before = steps()[first], &step = steps()[last];
    const Var x = step.inputs[k], y = step.outputs[0];
    const bool may_continue =
        before.outputs.size() == 1 || std::holds_alternative<SplitConvolution>(before.primitive);
    if (readers_[index(x)] != 1 || !may_continue || before.outputs[0] != x || before.block != step.block ||
        plan_.is_view[first] || !lie_alike(x, y))
      return false;
    if (step.inputs.size() == 1) return plan_[x].root == plan_[y].root;
    return step.inputs.size() == 2 && waits_in_place(step.inputs[1 - k], y, first, last);
  }

  bool lie_alike(Var a, Var b) const {
    const Variable &u = plan_.program[a], &v = plan_.program[b];
    return u.shape == v.shape && u.dtype == v.dtype && plan_[a].bits == plan_[b].bits &&
           same_layout(u.shape, plan_[a].strides, plan_[b].strides);
  }

  /// Whether y's bytes hold `summand` from step `first` on, until step `last` makes y of it, and nobody
  /// touches them meanwhile: then y may be there from step `first` on. They are nobody else's so long, since
  /// the summand lives until `last`.
  bool waits_in_place(Var summand, Var y, size_t first, size_t last) const {
    const Var root = plan_[y].root;
    if (plan_[summand].root != root || !lie_alike(summand, y)) return false;
    const auto touches = [&](Var v) { return plan_[v].root == root; };
    return std::none_of(steps().begin() + static_cast<std::ptrdiff_t>(first),
                        steps().begin() + static_cast<std::ptrdiff_t>(last), [&](const Step& between) {
                          return std::ranges::any_of(between.inputs, touches) ||
                                 std::ranges::any_of(between.outputs, touches);
                        });
  }

  const Plan& plan_;
  std::vector<int64_t> readers_, writers_;  // by variable
};

}  // namespace

std::vector<Epilogue> find_epilogues(const Plan& plan) { return EpilogueFinder(plan).run(); }

Expression continuing(Expression expression, size_t continued) {
  for (Instruction& instruction : expression.code) {
    for (Source* s : {&instruction.a, &instruction.b, &instruction.c}) {
      if (s->kind == Source::Kind::input) s->index = s->index == static_cast<int32_t>(continued) ? 0 : 1;
    }
  }
  return expression;
}

}  // namespace onnxray
