#include <algorithm>
#include <cmath>
#include <map>

#include "core/optimise/elementwise_limits.h"
#include "core/optimise/optimise.h"
#include "core/optimise/splice.h"
#include "core/plan.h"

namespace onnxray {

namespace {

/// More masks of one value would cost more instructions than they save bytes.
constexpr size_t kMostMasks = 2;

/// Whether `i` compares input `k` with numbers or itself. A NaN is none: it would not be found again among
/// the masks.
bool compares(const Instruction& i, int32_t k) {
  const Source sources[] = {i.a, i.b, i.c};
  const auto end = sources + arity(i.op);
  const auto is_input = [&](const Source& s) { return s.kind == Source::Kind::input && s.index == k; };
  const auto is_number = [](const Source& s) {
    return s.kind == Source::Kind::immediate && !std::isnan(s.value);
  };
  return yields_boolean(i.op) && std::any_of(sources, end, is_input) &&
         std::all_of(sources, end, [&](const Source& s) { return is_input(s) || is_number(s); });
}

bool reads(const Instruction& i, int32_t k) {
  const Source sources[] = {i.a, i.b, i.c};
  return std::any_of(sources, sources + arity(i.op),
                     [&](const Source& s) { return s.kind == Source::Kind::input && s.index == k; });
}

class MaskKeeper {
 public:
  MaskKeeper(Program& program, int64_t least)
      : program_(program),
        least_(least),
        producer_(program.variables.size(), -1),
        root_(program.variables.size()),
        uses_(program.variables.size()),
        is_fixed_(program.variables.size(), false),
        behind_(program.steps.size()) {
    for (size_t v = 0; v < root_.size(); ++v) root_[v] = static_cast<int32_t>(v);
    for (int64_t i = 0; i < std::ssize(program.steps); ++i) note(program.steps[static_cast<size_t>(i)], i);
    for (const NamedVar& output : program.outputs) is_fixed_[index(root(output.var))] = true;
    for (const LoopVariable& carried : program.loop) {
      for (const Var v : {carried.initial, carried.current, carried.next}) is_fixed_[index(root(v))] = true;
    }
  }

  void run() {
    const auto count = static_cast<int32_t>(root_.size());
    for (int32_t v = 0; v < count; ++v) {
      if (is_candidate(Var{v})) consider(Var{v});
    }
    std::vector<Step> steps;
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      steps.push_back(std::move(program_.steps[i]));
      std::ranges::move(behind_[i], std::back_inserter(steps));
    }
    program_.steps = std::move(steps);
  }

 private:
  static size_t index(Var v) { return static_cast<size_t>(v.id); }
  Var root(Var v) const { return {root_[index(v)]}; }
  Step& step(int64_t i) { return program_.steps[static_cast<size_t>(i)]; }

  /// A reshape or a transpose may share bytes with what it views: it reads for as long as it is read.
  void note(const Step& step, int64_t i) {
    const bool is_view =
        std::holds_alternative<Reshape>(step.primitive) || std::holds_alternative<Transpose>(step.primitive);
    for (const Var v : step.outputs) {
      producer_[index(v)] = i;
      if (is_view) root_[index(v)] = root_[index(step.inputs[0])];
    }
    for (const Var v : step.inputs) {
      auto& uses = uses_[index(root(v))];
      if (uses.empty() || uses.back() != i) uses.push_back(i);
    }
  }

  bool is_candidate(Var y) const {
    const Variable& variable = program_[y];
    return is_floating(variable.dtype) && element_count(variable.shape) >= least_ &&
           producer_[index(y)] >= 0 && !is_fixed_[index(root(y))];
  }

  /// Keeps y's comparisons where its last readers ask for no more.
  void consider(Var y) {
    std::vector<int64_t> late;
    int64_t last = producer_[index(y)];
    const auto& uses = uses_[index(root(y))];
    for (size_t u = uses.size(); u-- > 0;) {
      if (!only_compares(step(uses[u]), y)) {
        last = std::max(last, uses[u]);
        break;
      }
      late.push_back(uses[u]);
    }
    if (late.empty() || !frees_memory(y, last, late.back())) return;
    const std::vector<Instruction> masks = masks_of(late, y);
    if (!masks.empty() && masks.size() <= kMostMasks) keep(y, masks, late);
  }

  bool only_compares(const Step& reader, Var y) const {
    const auto* p = std::get_if<Elementwise>(&reader.primitive);
    if (!p || p->expression.domain != Expression::Domain::real ||
        reader.block != program_.steps[static_cast<size_t>(producer_[index(y)])].block ||
        program_[reader.outputs[0]].shape != program_[y].shape)
      return false;
    const Expression& e = p->expression;
    for (size_t k = 0; k < reader.inputs.size(); ++k) {
      const Var v = reader.inputs[k];
      if (v != y && root(v) == root(y)) return false;
      if (v != y) continue;
      for (size_t i = 0; i < e.code.size(); ++i) {
        if (!reads(e.code[i], static_cast<int32_t>(k))) continue;
        const bool is_result = std::ranges::find(e.results, static_cast<int32_t>(i)) != e.results.end();
        if (is_result || !compares(e.code[i], static_cast<int32_t>(k))) return false;
      }
    }
    return true;
  }

  /// Whether steps between the last that reads y and the first that compares it want as much memory.
  bool frees_memory(Var y, int64_t last, int64_t first_late) const {
    int64_t elements = 0;
    for (int64_t i = last + 1; i < first_late; ++i) {
      for (const Var v : program_.steps[static_cast<size_t>(i)].outputs) {
        if (root(v) == v) elements += element_count(program_[v].shape);
      }
    }
    return elements >= element_count(program_[y].shape);
  }

  /// The distinct comparisons of y, reading it as input 0.
  std::vector<Instruction> masks_of(const std::vector<int64_t>& late, Var y) {
    std::vector<Instruction> masks;
    for (const int64_t i : late) {
      for (const auto& [at, comparison] : comparisons(step(i), y)) {
        if (std::ranges::find(masks, comparison) == masks.end()) masks.push_back(comparison);
      }
    }
    return masks;
  }

  /// By number in `reader`, with y as input 0.
  static std::map<int32_t, Instruction> comparisons(const Step& reader, Var y) {
    std::map<int32_t, Instruction> found;
    const auto& code = std::get<Elementwise>(reader.primitive).expression.code;
    for (size_t i = 0; i < code.size(); ++i) {
      for (size_t k = 0; k < reader.inputs.size(); ++k) {
        if (reader.inputs[k] != y || !compares(code[i], static_cast<int32_t>(k))) continue;
        Instruction comparison = code[i];
        for (Source* s : {&comparison.a, &comparison.b, &comparison.c}) {
          if (s->kind == Source::Kind::input) s->index = 0;
        }
        found[static_cast<int32_t>(i)] = comparison;
      }
    }
    return found;
  }

  void keep(Var y, const std::vector<Instruction>& masks, const std::vector<int64_t>& late) {
    const int64_t at = producer_[index(y)];
    Step mask{Elementwise{{Expression::Domain::real, masks, {}}}, {y}, {}, step(at).block, step(at).node};
    for (size_t k = 0; k < masks.size(); ++k) {
      std::get<Elementwise>(mask.primitive).expression.results.push_back(static_cast<int32_t>(k));
      mask.outputs.push_back(add_mask(program_[y].shape, at));
    }
    for (const int64_t i : late) {
      std::map<int32_t, Var> known;
      for (const auto& [place, comparison] : comparisons(step(i), y))
        known[place] =
            mask.outputs[static_cast<size_t>(std::ranges::find(masks, comparison) - masks.begin())];
      read_instead(step(i), known);
    }
    if (!joins(step(at), mask)) return behind_[static_cast<size_t>(at)].push_back(std::move(mask));
    splice(step(at), mask);
    append(step(at), mask);
  }

  Var add_mask(const Shape& shape, int64_t producer) {
    const Var mask = program_.add_variable(shape, DType::boolean, "mask");
    producer_.push_back(producer);
    root_.push_back(mask.id);
    uses_.emplace_back();
    is_fixed_.push_back(false);
    return mask;
  }

  /// Whether the step that makes y gives the mask, too. Not where it is, or may be, done by the convolution
  /// in front of it, which gives one result.
  bool joins(const Step& producer, const Step& mask) const {
    const auto* p = std::get_if<Elementwise>(&producer.primitive);
    const auto& m = std::get<Elementwise>(mask.primitive).expression;
    if (!p || p->expression.domain != m.domain ||
        p->expression.code.size() + m.code.size() > kMaxFusedInstructions)
      return false;
    return producer.outputs.size() > 1 || std::ranges::none_of(producer.inputs, [&](Var x) {
             const int64_t i = producer_[index(x)];
             return i >= 0 && uses_[index(root(x))].size() == 1 && !is_fixed_[index(root(x))] &&
                    std::holds_alternative<Convolution>(program_.steps[static_cast<size_t>(i)].primitive);
           });
  }

  Program& program_;
  int64_t least_;
  std::vector<int64_t> producer_;           // by variable: the step, -1 for inputs and constants
  std::vector<int32_t> root_;               // by variable: whose bytes it may share
  std::vector<std::vector<int64_t>> uses_;  // by root: the steps that read it
  std::vector<bool> is_fixed_;              // by root: read outside of the steps
  std::vector<std::vector<Step>> behind_;   // by step: mask steps that follow it
};

}  // namespace

void keep_masks(Program& program, int64_t least) { MaskKeeper(program, least).run(); }

}  // namespace onnxray
