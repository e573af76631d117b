#include <algorithm>
#include <optional>

#include "core/optimise/optimise.h"
#include "core/optimise/variable_uses.h"
#include "core/winograd.h"

namespace onnxray {

namespace {

using Kind = WeightForm::Kind;

/// Fewer terms, results at a place or places cost more to part than a second product does; so do channels of
/// x that leave vectors half empty.
constexpr int64_t kLeastTerms = 32, kLeastResults = 24, kLeastPlaces = 16, kLanes = 16;

/// What the sums of terms under positive and under negative weights tell: all but the squares.
bool is_told_by_sign(const WeightForm& form) { return form.kind != Kind::whole && form.kind != Kind::square; }

/// Sums y [N, results, places..] of x [N, channels, ..] under w, or of a cotangent x where y is an adjoint's.
bool is_wide(const Shape& x, const Shape& w, const Shape& y) {
  const int64_t results = y[1], terms = element_count(w) / results;
  return terms >= kLeastTerms && results >= kLeastResults && element_count(y) / results >= kLeastPlaces &&
         x[1] % kLanes == 0;
}

class Joiner {
 public:
  explicit Joiner(Program& program) : program_(program) {}

  void run() {
    join_convolutions();
    join_adjoints();
  }

 private:
  std::vector<Step>& steps() { return program_.steps; }

  void drop(const std::vector<bool>& is_spent) {
    size_t i = 0;
    std::erase_if(steps(), [&](const Step&) { return static_cast<bool>(is_spent[i++]); });
  }

  template <class P>
  const P* product(const Step& step) const {
    const auto* p = std::get_if<P>(&step.primitive);
    if (!p || p->groups != 1 || !program_.is_constant(step.inputs[1]) ||
        !is_floating(program_[step.outputs[0]].dtype))
      return nullptr;
    const auto shape = [&](Var v) -> const Shape& { return program_[v].shape; };
    return is_wide(shape(step.inputs[0]), shape(step.inputs[1]), shape(step.outputs[0])) ? p : nullptr;
  }

  void join_convolutions() {
    std::vector<bool> is_spent(steps().size(), false);
    for (size_t i = 0; i < steps().size(); ++i) {
      const auto j = is_spent[i] ? std::nullopt : partner_of(i, is_spent);
      if (!j) continue;
      join(steps()[i], steps()[*j]);
      is_spent[*j] = true;
    }
    drop(is_spent);
  }

  /// The next convolution that step i can be one with: of the two one is under the weight itself.
  std::optional<size_t> partner_of(size_t i, const std::vector<bool>& is_spent) {
    const Step& first = steps()[i];
    const auto* p = product<Convolution>(first);
    if (!p) return {};
    for (size_t j = i + 1; j < steps().size(); ++j) {
      const Step& second = steps()[j];
      const auto* q = is_spent[j] ? nullptr : product<Convolution>(second);
      if (!q || q->window != p->window || second.inputs[0] != first.inputs[0] ||
          second.inputs[1] != first.inputs[1] || second.block != first.block)
        continue;
      const bool whole_first = p->form == WeightForm{};
      const Step &whole = whole_first ? first : second, &part = whole_first ? second : first;
      // What the first step has to wait for is there: a bias might be computed only in front of the second.
      const bool is_ready = whole_first || whole.inputs.size() == 2 || program_.is_constant(whole.inputs[2]);
      if (form_of(whole.primitive) == WeightForm{} && is_told_by_sign(form_of(part.primitive)) &&
          part.inputs.size() == 2 && is_ready)
        return j;
    }
    return {};
  }

  static void join(Step& first, const Step& second) {
    const bool whole_first = form_of(first.primitive) == WeightForm{};
    const Step whole = whole_first ? first : second, part = whole_first ? second : first;
    first.primitive =
        SplitConvolution{std::get<Convolution>(whole.primitive).window, form_of(part.primitive)};
    first.inputs = whole.inputs;
    first.outputs = {whole.outputs[0], part.outputs[0]};
    first.node = whole.node;
  }

  void join_adjoints() {
    readers_ = count_readers(program_);
    writers_ = find_writers(program_);
    std::vector<bool> is_spent(steps().size(), false);
    for (Step& step : steps()) {
      if (!is_sum_of_two(step)) continue;
      const auto a = adjoint_of(step.inputs[0]), b = adjoint_of(step.inputs[1]);
      if (!a || !b) continue;
      const bool in_order = form_of(steps()[*a].primitive).kind == Kind::positive;
      const size_t plus = in_order ? *a : *b, minus = in_order ? *b : *a;
      if (!is_pair(steps()[plus], steps()[minus]) || steps()[plus].block != step.block) continue;
      const auto& p = std::get<ConvolutionInput>(steps()[plus].primitive);
      step.inputs = {steps()[plus].inputs[0], steps()[minus].inputs[0], steps()[plus].inputs[1]};
      step.primitive = SplitConvolutionInput{p.window, p.shape};
      is_spent[plus] = is_spent[minus] = true;
    }
    drop(is_spent);
  }

  bool is_sum_of_two(const Step& step) const {
    const auto* p = std::get_if<Elementwise>(&step.primitive);
    return p && step.inputs.size() == 2 && p->expression.code.size() == 1 &&
           p->expression.code[0].op == Opcode::add &&
           program_[step.inputs[0]].shape == program_[step.outputs[0]].shape &&
           program_[step.inputs[1]].shape == program_[step.outputs[0]].shape;
  }

  /// The step of an adjoint whose result nobody else reads, of a convolution of stride 1. Two by Winograd's
  /// filtering take less than one pass of direct sums.
  std::optional<size_t> adjoint_of(Var v) {
    const int64_t writer = writers_[static_cast<size_t>(v.id)];
    if (readers_[static_cast<size_t>(v.id)] != 1 || writer < 0) return {};
    const auto i = static_cast<size_t>(writer);
    const auto* p = product<ConvolutionInput>(steps()[i]);
    const bool fits = p && std::ranges::all_of(p->window.strides, [](int64_t s) { return s == 1; }) &&
                      !gains_by_winograd(program_, steps()[i]);
    return fits ? std::optional(i) : std::nullopt;
  }

  static bool is_pair(const Step& plus, const Step& minus) {
    const auto &p = std::get<ConvolutionInput>(plus.primitive),
               &n = std::get<ConvolutionInput>(minus.primitive);
    return p.form.kind == Kind::positive && n.form.kind == Kind::negative && p.window == n.window &&
           p.shape == n.shape && plus.inputs[1] == minus.inputs[1] && plus.block == minus.block;
  }

  Program& program_;
  std::vector<int64_t> readers_, writers_;  // by variable, once convolutions are joined
};

}  // namespace

void join_by_sign(Program& program, const PlanOptions& options) {
  if (options.splits_weights) Joiner(program).run();
}

void part_by_sign(Program& program) {
  for (size_t i = 0; i < program.steps.size(); ++i) {
    const auto* split = std::get_if<SplitConvolution>(&program.steps[i].primitive);
    if (!split) continue;
    const Window window = split->window;
    const WeightForm form = split->part;
    Step& whole = program.steps[i];
    const Var p = whole.outputs[1];
    Step part{Convolution{window, 1, false, form},
              {whole.inputs[0], whole.inputs[1]},
              {p},
              whole.block,
              whole.node};
    whole.primitive = Convolution{window, 1};
    whole.outputs.pop_back();
    const auto is_wanted = [&](const Step& step) {
      return step.block != part.block || std::ranges::find(step.inputs, p) != step.inputs.end();
    };
    const auto first = std::find_if(program.steps.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                    program.steps.end(), is_wanted);
    program.steps.insert(first, std::move(part));
  }
}

}  // namespace onnxray
