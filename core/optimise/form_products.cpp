#include <algorithm>
#include <optional>
#include <set>

#include "core/optimise/form_finder.h"
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
  FormReading reading_of(const Step& step) const {
    return joined(step) ? FormReading{step.inputs.back(), {}} : finder_.reading_of(step.inputs[1]);
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
    const FormReading reading = reading_of(step);
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
