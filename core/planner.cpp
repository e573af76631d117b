#include <algorithm>
#include <stdexcept>

#include "core/arena.h"
#include "core/bit_masks.h"
#include "core/contract.h"
#include "core/layout.h"
#include "core/plan.h"

namespace onnxray {

int64_t stored_size(DType dtype, const PlanOptions& options) {
  switch (storage_of(dtype)) {
    case Storage::real: return options.real_size;
    case Storage::int64: return 8;
    case Storage::byte: return 1;
  }
  return 0;
}

namespace {

class Planner {
 public:
  Planner(Program program, const PlanOptions& options) {
    plan_.options = options;
    std::vector<Strides> strides = assign_layouts(program, options);
    plan_.program = std::move(program);
    plan_.placements.resize(plan_.program.variables.size());
    for (size_t v = 0; v < strides.size(); ++v) {
      Placement& placement = plan_.placements[v];
      placement.strides = std::move(strides[v]);
      placement.root = Var{static_cast<int32_t>(v)};
      const Variable& variable = plan_.program.variables[v];
      placement.bytes = element_count(variable.shape) * stored_size(variable.dtype, options);
      if (variable.constant) placement.home = Placement::Home::constant;
    }
    for (const NamedVar& input : plan_.program.inputs) at(input.var).home = Placement::Home::input;
    if (options.least_mask > 0) store_bits();
  }

  Plan run() {
    find_views();
    find_lives();
    share_in_place();
    share_carried();
    pack();
    return std::move(plan_);
  }

 private:
  void store_bits() {
    std::vector<Strides> strides;
    for (const Placement& placement : plan_.placements) strides.push_back(placement.strides);
    const std::vector<bool> bits = find_bit_masks(plan_.program, strides);
    for (size_t v = 0; v < bits.size(); ++v) {
      if (!bits[v]) continue;
      plan_.placements[v].bits = true;
      plan_.placements[v].bytes = bytes_of_bits(element_count(plan_.program.variables[v].shape));
    }
  }

  Placement& at(Var v) { return plan_.placements[static_cast<size_t>(v.id)]; }
  Life& life(Var v) { return lives_[static_cast<size_t>(v.id)]; }
  const std::vector<Step>& steps() const { return plan_.program.steps; }

  bool is_carried(Var v) const {
    return std::ranges::any_of(plan_.program.loop, [&](const LoopVariable& c) {
      return c.initial == v || c.current == v || c.next == v;
    });
  }

  bool is_view_step(const Step& step) {
    if (step.inputs.empty()) return false;
    const Var x = step.inputs[0], y = step.outputs[0];
    const Shape& shape = plan_.program[y].shape;
    if (is_carried(y) || is_carried(x)) return false;
    if (std::holds_alternative<Reshape>(step.primitive)) {
      const Shape& from = plan_.program[x].shape;
      if (from == shape) return same_layout(shape, at(x).strides, at(y).strides);
      return same_layout(from, at(x).strides, row_major_strides(from)) &&
             same_layout(shape, at(y).strides, row_major_strides(shape));
    }
    if (const auto* transpose = std::get_if<Transpose>(&step.primitive)) {
      Strides moved;
      for (const int64_t axis : transpose->permutation)
        moved.push_back(at(x).strides[static_cast<size_t>(axis)]);
      return same_layout(shape, moved, at(y).strides);
    }
    return false;
  }

  void find_views() {
    for (const Step& step : steps()) {
      const bool view = is_view_step(step);
      plan_.is_view.push_back(view);
      if (!view) continue;
      Placement& y = at(step.outputs[0]);
      const Placement& x = at(step.inputs[0]);
      y.root = x.root;
      y.home = x.home;
      y.bytes = x.bytes;
    }
  }

  /// Life of every root, in step numbers. Values that a loop reads from before it live until its end.
  void find_lives() {
    const auto count = static_cast<int64_t>(steps().size());
    lives_.assign(plan_.placements.size(), {.bytes = 0, .first = count, .last = -1});
    loop_first_ = count;
    int64_t loop_last = -1;
    for (int64_t i = 0; i < count; ++i) {
      if (steps()[static_cast<size_t>(i)].block != Block::repeat) continue;
      loop_first_ = std::min(loop_first_, i);
      loop_last = i;
    }
    const auto touch = [&](Var v, int64_t when) {
      Life& l = life(at(v).root);
      l.first = std::min(l.first, when);
      l.last = std::max(l.last, when);
    };
    for (int64_t i = 0; i < count; ++i) {
      const Step& step = steps()[static_cast<size_t>(i)];
      for (const Var v : step.outputs) touch(v, i);
      for (const Var v : step.inputs) {
        touch(v, i);
        if (step.block == Block::repeat && life(at(v).root).first < loop_first_) touch(v, loop_last);
      }
    }
    for (const LoopVariable& carried : plan_.program.loop) {
      touch(carried.initial, loop_first_);
      for (const Var v : {carried.current, carried.next}) {
        touch(v, loop_first_);
        touch(v, loop_last);
      }
    }
    if (plan_.program.step_index) {
      touch(plan_.program.step_index, loop_first_);
      touch(plan_.program.step_index, loop_last);
    }
    for (const NamedVar& output : plan_.program.outputs) touch(output.var, count);
  }

  bool dies_at(Var v, int64_t i) {
    const Placement& placement = at(v);
    const Life& l = life(placement.root);
    const bool next_trip_reads =
        steps()[static_cast<size_t>(i)].block == Block::repeat && l.first < loop_first_;
    return placement.home == Placement::Home::arena && l.last == i && !next_trip_reads &&
           !is_carried(placement.root) && placement.root != plan_.program.step_index;
  }

  /// An elementwise result may overwrite an operand that dies here and lies exactly alike, if the step has no
  /// other result but bits. Of several the eldest: what a product made meanwhile can be added to it there
  /// (core/epilogue.h).
  void share_in_place() {
    for (int64_t i = 0; i < static_cast<int64_t>(steps().size()); ++i) {
      const Step& step = steps()[static_cast<size_t>(i)];
      if (!std::holds_alternative<Elementwise>(step.primitive)) continue;
      const Var y = single_result(step);
      if (!y || is_carried(y) || at(y).root != y) continue;
      Var eldest;
      for (const Var x : step.inputs) {
        if (!dies_at(x, i) || !lies_alike(x, y) || read_otherwise(step, x)) continue;
        if (!eldest || life(at(x).root).first < life(at(eldest).root).first) eldest = x;
      }
      if (eldest) merge(y, at(eldest).root);
    }
  }

  Var single_result(const Step& step) {
    if (step.outputs.size() == 1) return step.outputs[0];
    Var single;
    for (const Var y : step.outputs) {
      if (at(y).bits) continue;
      if (single) return {};
      single = y;
    }
    return single;
  }

  /// What a trip hands to the next may overwrite what it was made of, if that is its last reader: then
  /// nothing is left to hand over.
  void share_carried() {
    for (const LoopVariable& carried : plan_.program.loop) {
      const auto writer = std::ranges::find_if(steps(), [&](const Step& step) {
        return step.block == Block::repeat && step.outputs == std::vector{carried.next};
      });
      if (writer == steps().end() || !std::holds_alternative<Elementwise>(writer->primitive)) continue;
      const Var current = carried.current, next = carried.next;
      const auto reads = [&](const Step& step) {
        return std::ranges::any_of(step.inputs, [&](Var v) { return at(v).root == current; });
      };
      const bool last = std::none_of(writer + 1, steps().end(), [&](const Step& step) {
        return step.block == Block::repeat && reads(step);
      });
      const auto handed_over = std::ranges::count_if(plan_.program.loop, [&](const LoopVariable& c) {
        return c.next == next || c.next == current || c.initial == next || c.initial == current;
      });
      const bool reads_it = std::ranges::find(writer->inputs, current) != writer->inputs.end();
      if (!last || handed_over > 1 || !reads_it) continue;
      if (at(current).root != current || at(next).root != next || at(next).home != Placement::Home::arena)
        continue;
      if (lies_alike(current, next) && !read_otherwise(*writer, current)) merge(next, current);
    }
  }

  bool lies_alike(Var x, Var y) {
    const Program& p = plan_.program;
    return p[x].shape == p[y].shape && storage_of(p[x].dtype) == storage_of(p[y].dtype) &&
           at(x).bits == at(y).bits && at(x).bytes == at(y).bytes &&
           same_layout(p[x].shape, at(x).strides, at(y).strides);
  }

  bool read_otherwise(const Step& step, Var x) {
    return std::ranges::any_of(step.inputs, [&](Var other) {
      return other != x && at(other).root == at(x).root && !lies_alike(other, x);
    });
  }

  /// Makes `root`'s bytes also y's, and those of y's views.
  void merge(Var y, Var root) {
    Life& l = life(root);
    l.first = std::min(l.first, life(y).first);
    l.last = std::max(l.last, life(y).last);
    for (Placement& placement : plan_.placements) {
      if (placement.root == y) placement.root = root;
    }
  }

  void pack() {
    std::vector<Life> packed;
    std::vector<size_t> owners;
    for (size_t v = 0; v < plan_.placements.size(); ++v) {
      const Placement& placement = plan_.placements[v];
      if (placement.home != Placement::Home::arena || placement.root.id != static_cast<int32_t>(v) ||
          lives_[v].last < 0)
        continue;
      packed.push_back({placement.bytes, lives_[v].first, lives_[v].last, 0});
      owners.push_back(v);
    }
    plan_.arena_bytes = pack_arena(packed);
    for (size_t i = 0; i < owners.size(); ++i) plan_.placements[owners[i]].offset = packed[i].offset;
    for (Placement& placement : plan_.placements) {
      if (placement.home == Placement::Home::arena) placement.offset = at(placement.root).offset;
    }
  }

  Plan plan_;
  std::vector<Life> lives_;  // by variable; used for roots
  int64_t loop_first_ = 0;   // the first step of the loop, or the number of steps
};

}  // namespace

Plan make_plan(Program program, const PlanOptions& options) {
  for (const Step& step : program.steps) {
    if (!options.packs_weights && form_of(step.primitive) != WeightForm{})
      throw std::logic_error("a product takes a form of weights that its backend does not pack");
#ifndef NDEBUG
    check_contract(program, step);  // of what the passes made
#endif
  }
  return Planner(std::move(program), options).run();
}

}  // namespace onnxray
