#include "core/recompute.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/bit_masks.h"
#include "core/cost.h"
#include "core/optimise/optimise.h"

namespace onnxray {

namespace {

/// How many steps may be repeated for one value, and how many rounds may pass without a smaller peak.
constexpr size_t kLongestChain = 24, kPatience = 12;
/// A step that moves a byte takes about as long as one that does ten operations.
constexpr double kFlopsPerByte = 10;

struct Span {
  int64_t first = 0, last = -1;  // step numbers
};

/// Who computes and who reads each variable, and how long it lives. A reshape or a transpose shares bytes
/// with what it views.
class Lives {
 public:
  Lives(const Program& program, const PlanOptions& options)
      : root_(program.variables.size()),
        producer_(program.variables.size(), -1),
        span_(program.variables.size()),
        bytes_(program.variables.size(), 0),
        fixed_(program.variables.size(), false) {
    const auto count = static_cast<int64_t>(program.steps.size());
    const std::vector<bool> bits = find_bit_masks(program);
    for (size_t v = 0; v < root_.size(); ++v) {
      root_[v] = static_cast<int32_t>(v);
      const Variable& variable = program.variables[v];
      const int64_t elements = variable.constant ? 0 : element_count(variable.shape);
      bytes_[v] = options.least_mask > 0 && bits[v] ? bytes_of_bits(elements)
                                                    : elements * stored_size(variable.dtype, options);
      span_[v].first = count;
    }
    for (const NamedVar& input : program.inputs) bytes_[index(input.var)] = 0;
    for (int64_t i = 0; i < count; ++i) add_step(program.steps[static_cast<size_t>(i)], i);
    for (const NamedVar& output : program.outputs) fix(output.var, count);
    for (const LoopVariable& carried : program.loop) {
      for (const Var v : {carried.initial, carried.current, carried.next}) fix(v, count);
    }
    if (program.step_index) fix(program.step_index, count);
  }

  Var root(Var v) const { return {root_[index(v)]}; }
  int64_t producer(Var v) const { return producer_[index(v)]; }
  Span span(Var v) const { return span_[index(root(v))]; }
  int64_t bytes(Var v) const { return bytes_[index(v)]; }
  /// Whether it is read outside of the steps: a result, or carried through a loop.
  bool is_fixed(Var v) const { return fixed_[index(root(v))]; }
  /// Inputs and constants are there at all times.
  bool is_computed(Var v) const { return producer(root(v)) >= 0; }

  struct Peak {
    int64_t step = 0, bytes = 0;
  };
  Peak peak(int64_t steps) const {
    std::vector<int64_t> change(static_cast<size_t>(steps) + 2, 0);
    for (size_t v = 0; v < root_.size(); ++v) {
      if (root_[v] != static_cast<int32_t>(v) || span_[v].last < span_[v].first) continue;
      change[static_cast<size_t>(span_[v].first)] += bytes_[v];
      change[static_cast<size_t>(span_[v].last) + 1] -= bytes_[v];
    }
    Peak peak;
    int64_t live = 0;
    for (int64_t i = 0; i < steps; ++i) {
      live += change[static_cast<size_t>(i)];
      if (live > peak.bytes) peak = {i, live};
    }
    return peak;
  }

 private:
  static size_t index(Var v) { return static_cast<size_t>(v.id); }

  void touch(Var v, int64_t when) {
    Span& span = span_[index(root(v))];
    span.first = std::min(span.first, when);
    span.last = std::max(span.last, when);
  }

  void fix(Var v, int64_t end) {
    fixed_[index(root(v))] = true;
    touch(v, end);
  }

  void add_step(const Step& step, int64_t i) {
    const bool is_view =
        std::holds_alternative<Reshape>(step.primitive) || std::holds_alternative<Transpose>(step.primitive);
    for (const Var v : step.outputs) {
      producer_[index(v)] = i;
      if (is_view) root_[index(v)] = root_[index(step.inputs[0])];
      touch(v, i);
    }
    for (const Var v : step.inputs) touch(v, i);
  }

  std::vector<int32_t> root_;
  std::vector<int64_t> producer_;
  std::vector<Span> span_;  // of roots
  std::vector<int64_t> bytes_;
  std::vector<bool> fixed_;  // of roots
};

/// A value to be dropped after its last early reader and computed again in front of its first late one.
struct Choice {
  Var root;
  int64_t at = 0;              // the first late reader
  std::vector<int64_t> chain;  // the steps to repeat, in order
  double worth = 0;            // bytes per work
};

class Recomputer {
 public:
  Recomputer(Program program, const PlanOptions& options) : program_(std::move(program)), options_(options) {}

  Program run(int64_t arena_bytes) {
    Program best = program_;
    int64_t smallest = make_plan(program_, options_).arena_bytes;
    for (size_t waited = 0; smallest > arena_bytes && waited < kPatience; ++waited) {
      const Lives lives(program_, options_);
      const Lives::Peak peak = lives.peak(std::ssize(program_.steps));
      const std::optional<Choice> choice = choose(lives, peak.step);
      if (!choice) break;
      apply(lives, *choice);
      const int64_t arena = make_plan(program_, options_).arena_bytes;
      if (arena >= smallest) continue;
      smallest = arena;
      best = program_;
      waited = 0;
    }
    return best;
  }

 private:
  Step& step(int64_t i) { return program_.steps[static_cast<size_t>(i)]; }
  const Step& step(int64_t i) const { return program_.steps[static_cast<size_t>(i)]; }

  std::optional<Choice> choose(const Lives& lives, int64_t peak) const {
    std::optional<Choice> best;
    for (int32_t v = 0; v < static_cast<int32_t>(program_.variables.size()); ++v) {
      std::optional<Choice> choice = consider(lives, Var{v}, peak);
      if (choice && (!best || choice->worth > best->worth)) best = std::move(choice);
    }
    return best;
  }

  /// Dropping `v` across the peak, where that is possible.
  std::optional<Choice> consider(const Lives& lives, Var v, int64_t peak) const {
    if (lives.root(v) != v || !lives.is_computed(v) || lives.is_fixed(v) || lives.bytes(v) == 0) return {};
    const Span span = lives.span(v);
    if (span.first >= peak || span.last <= peak) return {};
    Choice choice{v, first_reader_after(lives, v, peak), {}, 0};
    if (choice.at < 0) return {};
    std::vector<int64_t> chain;
    for (const Var member : members_read_from(lives, v, choice.at)) {
      if (!collect(lives, member, v, choice.at, peak, chain)) return {};
    }
    std::ranges::sort(chain);
    double work = 0;
    for (const int64_t i : chain) {
      const Cost cost = cost_of(program_, step(i), options_);
      work += cost.flops + kFlopsPerByte * cost.bytes;
    }
    choice.chain = std::move(chain);
    choice.worth = static_cast<double>(lives.bytes(v)) / std::max(work, 1.0);
    return choice;
  }

  bool reads(const Lives& lives, const Step& s, Var root) const {
    return std::ranges::any_of(s.inputs, [&](Var v) { return lives.root(v) == root; });
  }

  /// -1 where the peak itself or another block reads it.
  int64_t first_reader_after(const Lives& lives, Var root, int64_t peak) const {
    if (reads(lives, step(peak), root)) return -1;
    const Block block = step(lives.producer(root)).block;
    int64_t first = -1;
    for (int64_t i = lives.producer(root) + 1; i < std::ssize(program_.steps); ++i) {
      if (!reads(lives, step(i), root)) continue;
      if (step(i).block != block) return -1;
      if (i > peak && first < 0) first = i;
    }
    return first;
  }

  std::vector<Var> members_read_from(const Lives& lives, Var root, int64_t from) const {
    std::vector<Var> members;
    for (int64_t i = from; i < std::ssize(program_.steps); ++i) {
      for (const Var v : step(i).inputs) {
        if (lives.root(v) == root && std::ranges::find(members, v) == members.end()) members.push_back(v);
      }
    }
    return members;
  }

  /// Adds the steps that compute `v` again in front of step `at`, while `dropped` is gone.
  bool collect(const Lives& lives, Var v, Var dropped, int64_t at, int64_t peak,
               std::vector<int64_t>& chain) const {
    const bool gone = lives.root(v) == dropped || lives.span(v).last < at;
    const bool is_there = !lives.is_computed(v) || !gone;
    if (is_there) return true;
    const int64_t i = lives.producer(v);
    if (i < 0 || i > peak || step(i).block != step(at).block) return false;
    if (std::ranges::find(chain, i) != chain.end()) return true;
    if (chain.size() >= kLongestChain) return false;
    chain.push_back(i);
    return std::ranges::all_of(step(i).inputs,
                               [&](Var x) { return collect(lives, x, dropped, at, peak, chain); });
  }

  void apply(const Lives& lives, const Choice& choice) {
    std::map<int32_t, Var> again;  // variable -> its second computation
    const auto renamed = [&](Var v) {
      const auto it = again.find(v.id);
      return it == again.end() ? v : it->second;
    };
    std::vector<Step> repeated;
    for (const int64_t i : choice.chain) {
      Step copy = step(i);
      for (Var& v : copy.inputs) v = renamed(v);
      for (Var& v : copy.outputs) {
        const Variable variable = program_[v];
        again[v.id] = program_.add_variable(variable.shape, variable.dtype, variable.label);
        origin_[again[v.id].id] = origin(v);
        v = again[v.id];
      }
      repeated.push_back(std::move(copy));
    }
    for (int64_t i = choice.at; i < std::ssize(program_.steps); ++i) {
      for (Var& v : step(i).inputs) v = replaced(lives, again, choice, v);
    }
    program_.steps.insert(program_.steps.begin() + choice.at, std::make_move_iterator(repeated.begin()),
                          std::make_move_iterator(repeated.end()));
    eliminate_dead_code(program_);
  }

  /// Late readers take the second computation; so do those of a later second computation of the same value.
  Var replaced(const Lives& lives, const std::map<int32_t, Var>& again, const Choice& choice, Var v) const {
    const auto twin = [&](Var other) { return origin(other) == origin(v); };
    for (const auto& [old, now] : again) {
      const bool is_late = lives.producer(v) >= choice.at && twin(Var{old});
      if (old == v.id || is_late) return now;
    }
    return v;
  }

  Var origin(Var v) const {
    const auto it = origin_.find(v.id);
    return it == origin_.end() ? v : it->second;
  }

  Program program_;
  const PlanOptions& options_;
  std::map<int32_t, Var> origin_;  // of second computations: the first one
};

}  // namespace

Program recompute_to_fit(Program program, const PlanOptions& options, int64_t arena_bytes) {
  return Recomputer(std::move(program), options).run(arena_bytes);
}

}  // namespace onnxray
