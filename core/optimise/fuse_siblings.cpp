#include <algorithm>

#include "core/optimise/elementwise_limits.h"
#include "core/optimise/optimise.h"
#include "core/optimise/splice.h"

namespace onnxray {

namespace {

/// How many steps later a sibling may stand: what it computes early takes memory until it is read.
constexpr size_t kReach = 8;

class SiblingFuser {
 public:
  explicit SiblingFuser(Program& program)
      : program_(program), producer_(program.variables.size(), -1), absorbed_(program.steps.size(), false) {
    for (size_t i = 0; i < program.steps.size(); ++i) {
      for (const Var v : program.steps[i].outputs)
        producer_[static_cast<size_t>(v.id)] = static_cast<int64_t>(i);
    }
  }

  void run() {
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const size_t end = std::min(i + 1 + kReach, program_.steps.size());
      for (size_t j = i + 1; j < end; ++j) {
        if (!may_join(i, j)) continue;
        append(program_.steps[i], program_.steps[j]);
        absorbed_[j] = true;
      }
    }
    size_t i = 0;
    std::erase_if(program_.steps, [&](const Step&) { return static_cast<bool>(absorbed_[i++]); });
  }

 private:
  bool may_join(size_t i, size_t j) const {
    const Step &first = program_.steps[i], &second = program_.steps[j];
    const auto* a = std::get_if<Elementwise>(&first.primitive);
    const auto* b = std::get_if<Elementwise>(&second.primitive);
    return a && b && !absorbed_[i] && !absorbed_[j] && first.block == second.block &&
           a->expression.domain == b->expression.domain && have_one_shape(first, second) &&
           known_before(second, i) && share_an_operand(first, second) &&
           a->expression.code.size() + b->expression.code.size() <= kMaxFusedInstructions &&
           first.inputs.size() + second.inputs.size() - 1 <= kMaxFusedInputs;
  }

  const Shape& shape(Var v) const { return program_[v].shape; }

  bool have_one_shape(const Step& first, const Step& second) const {
    const Shape& expected = shape(first.outputs[0]);
    return std::ranges::all_of(second.outputs, [&](Var v) { return shape(v) == expected; });
  }

  /// Whether all operands of `step` are computed in front of step `i`.
  bool known_before(const Step& step, size_t i) const {
    return std::ranges::all_of(
        step.inputs, [&](Var v) { return producer_[static_cast<size_t>(v.id)] < static_cast<int64_t>(i); });
  }

  /// An operand as large as the results, so that a trip through memory is saved.
  bool share_an_operand(const Step& first, const Step& second) const {
    return std::ranges::any_of(second.inputs, [&](Var v) {
      return shape(v) == shape(first.outputs[0]) && std::ranges::find(first.inputs, v) != first.inputs.end();
    });
  }

  Program& program_;
  std::vector<int64_t> producer_;  // by variable: the step, -1 for inputs and constants
  std::vector<bool> absorbed_;     // by step
};

}  // namespace

void fuse_siblings(Program& program) { SiblingFuser(program).run(); }

}  // namespace onnxray
