#include "core/layout.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace onnxray {

namespace {

template <class... Ts>
bool is_any(const Primitive& p) {
  return (std::holds_alternative<Ts>(p) || ...);
}

bool slides_a_window(const Primitive& p) {
  return is_any<Convolution, ConvolutionInput, SplitConvolution, SplitConvolutionInput, ConvolutionWeight,
                MaxPool, MaxPoolScatter, MaxPoolGather, SumPool, SumPoolInput>(p);
}

/// Whether operand `i` of a window step is data: everything but the weight and the bias.
bool is_data_operand(const Primitive& p, size_t i) {
  if (is_any<Convolution, ConvolutionInput, SplitConvolution>(p)) return i == 0;
  if (is_any<SplitConvolutionInput>(p)) return i < 2;
  return true;
}

bool data_output(const Primitive& p) { return !std::holds_alternative<ConvolutionWeight>(p); }

/// Primitives that run equally well in either layout when input and output agree.
bool keeps_layout(const Primitive& p) {
  return is_any<Elementwise, Reduce, Softmax, CumSum, Slice, Place, Concat, AxisMap, Broadcast, Transpose>(p);
}

class LayoutAssigner {
 public:
  explicit LayoutAssigner(Program& program)
      : program_(program),
        channels_last_(program.variables.size(), false),
        wanted_(program.variables.size(), false) {}

  std::vector<Strides> run() {
    mark_windows();
    // Backwards: what a window reads is best written channels-last. Forwards: what follows one stays so.
    for (size_t i = program_.steps.size(); i-- > 0;) pull(program_.steps[i]);
    for (const Step& step : program_.steps) push(step);
    share_across_loop();
    insert_copies();
    std::vector<Strides> strides;
    for (size_t v = 0; v < program_.variables.size(); ++v) {
      const Shape& shape = program_.variables[v].shape;
      strides.push_back(channels_last_[v] ? channels_last_strides(shape) : row_major_strides(shape));
    }
    return strides;
  }

 private:
  std::vector<bool>::reference marked(Var v) { return channels_last_[static_cast<size_t>(v.id)]; }

  void want(Var v) { wanted_[static_cast<size_t>(v.id)] = true; }

  bool may_mark(Var v) const {
    return program_[v].shape.size() >= 3 && !program_.is_constant(v) &&
           std::ranges::none_of(program_.inputs, [&](const NamedVar& input) { return input.var == v; });
  }

  void mark_windows() {
    for (const Step& step : program_.steps) {
      if (!slides_a_window(step.primitive) || !data_output(step.primitive)) continue;
      for (const Var v : step.outputs) marked(v) = true;
    }
  }

  void pull(const Step& step) {
    if (slides_a_window(step.primitive)) {
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        if (is_data_operand(step.primitive, i)) want(step.inputs[i]);
      }
    }
    if (!keeps_layout(step.primitive) || !may_mark(step.outputs[0])) return;
    const auto is_wanted = [&](Var v) { return static_cast<bool>(wanted_[static_cast<size_t>(v.id)]); };
    if (std::ranges::none_of(step.outputs, is_wanted)) return;
    for (const Var v : step.outputs) marked(v) = true;
    if (std::holds_alternative<Transpose>(step.primitive)) return;
    for (const Var v : step.inputs) {
      if (program_[v].shape.size() == program_[step.outputs[0]].shape.size()) want(v);
    }
  }

  void push(const Step& step) {
    if (!keeps_layout(step.primitive) || std::holds_alternative<Transpose>(step.primitive)) return;
    const bool follows = std::ranges::any_of(step.inputs, [&](Var v) {
      return marked(v) && program_[v].shape.size() == program_[step.outputs[0]].shape.size();
    });
    if (!follows) return;
    for (const Var v : step.outputs) {
      if (may_mark(v)) marked(v) = true;
    }
  }

  /// The trips of a loop hand values over by plain copies, so all three variables lie alike. A sum that
  /// starts from zeros lies as its summands do.
  void share_across_loop() {
    for (LoopVariable& carried : program_.loop) {
      if (marked(carried.next) && is_one_number(carried.initial)) {
        const Variable zeros = program_[carried.initial];
        carried.initial = program_.add_variable(zeros.shape, zeros.dtype, zeros.label);
        program_[carried.initial].constant = zeros.constant;
        channels_last_.push_back(true);
      }
      const bool all = marked(carried.initial) && marked(carried.next);
      marked(carried.initial) = marked(carried.current) = marked(carried.next) = all;
    }
  }

  /// Whether all elements of a constant are the same, so that it lies in every layout at once.
  bool is_one_number(Var v) const {
    const auto& constant = program_[v].constant;
    if (!constant || constant->size() == 0) return false;
    const auto each = static_cast<size_t>(size_of(constant->dtype())),
               all = static_cast<size_t>(constant->byte_size());
    return std::memcmp(constant->bytes(), constant->bytes() + each, all - each) == 0;
  }

  void insert_copies() {
    std::map<std::pair<int32_t, bool>, Var> copies;  // (variable, channels-last) -> its copy
    std::vector<Step> steps;
    const auto copy_of = [&](Var v, bool to, Block block, int32_t node) {
      auto [it, is_new] = copies.try_emplace({v.id, to});
      if (is_new) {
        it->second = program_.add_variable(program_[v].shape, program_[v].dtype, "layout");
        channels_last_.push_back(to);
        steps.push_back({Reshape{program_[v].shape}, {v}, {it->second}, block, node});
      }
      return it->second;
    };
    for (Step& step : program_.steps) {
      const bool window = slides_a_window(step.primitive);
      for (size_t i = 0; window && i < step.inputs.size(); ++i) {
        if (is_data_operand(step.primitive, i) && !marked(step.inputs[i])) {
          step.inputs[i] = copy_of(step.inputs[i], true, step.block, step.node);
        }
      }
      // A window's result that a loop forced to be row-major is written channels-last, then copied.
      std::vector<Step> after;
      for (size_t i = 0; window && data_output(step.primitive) && i < step.outputs.size(); ++i) {
        const Var v = step.outputs[i];
        if (marked(v)) continue;
        const Var inner = program_.add_variable(program_[v].shape, program_[v].dtype, "layout");
        channels_last_.push_back(true);
        after.push_back({Reshape{program_[v].shape}, {inner}, {v}, step.block, step.node});
        step.outputs[i] = inner;
      }
      steps.push_back(std::move(step));
      for (Step& copy : after) steps.push_back(std::move(copy));
    }
    program_.steps = std::move(steps);
  }

  Program& program_;
  std::vector<bool> channels_last_;
  std::vector<bool> wanted_;  // read by a window, directly or through layout-keeping steps
};

}  // namespace

std::vector<Strides> assign_layouts(Program& program, const PlanOptions& options) {
  if (options.channels_last) return LayoutAssigner(program).run();
  std::vector<Strides> strides;
  for (const Variable& variable : program.variables) strides.push_back(row_major_strides(variable.shape));
  return strides;
}

}  // namespace onnxray
