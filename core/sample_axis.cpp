#include "core/sample_axis.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "core/fail.h"

namespace onnxray {

/// One step: what becomes of its operands' samples. An operator() per primitive; none is called unless an
/// operand holds samples.
class SampleStep {
 public:
  using State = SampleAxes::State;
  using Kind = State::Kind;

  SampleStep(const SampleAxes& axes, const Step& step) : axes_(axes), step_(step) {}

  State operator()(const Elementwise&) const { return aligned(step_.inputs); }
  State operator()(const Broadcast&) const { return aligned(step_.inputs); }
  State operator()(const Convolution&) const { return windows_of_batch(); }
  State operator()(const ConvolutionInput&) const { return windows_of_batch(); }
  State operator()(const SplitConvolution&) const { return mixed(); }  // only in optimised programs
  State operator()(const SplitConvolutionInput&) const { return mixed(); }
  State operator()(const ConvolutionWeight&) const { return mixed(); }
  State operator()(const MatMul& p) const {
    // y[.., i, j] = sum over k of a[.., i, k] b[.., k, j] + bias
    State found;
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      if (in(i).kind != Kind::separate) continue;
      const State own = i == 2 ? moved_to_result(i) : of_factor(i, i == 0 ? p.transpose_a : !p.transpose_b);
      if (own.kind == Kind::mixed || (found.kind == Kind::separate && own.at != found.at)) return mixed();
      found = own;
    }
    // Rows come of a alone and columns of b alone; the leading axes and the bias are broadcast.
    const bool leading = found.at.axis + 2 < std::ssize(out());
    const bool only_bias = in(0).kind == Kind::shared && in(1).kind == Kind::shared;
    if (only_bias && !leading) return mixed();
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      if (in(i).kind == Kind::shared && (leading || i == 2) && !broadcasts(i, found.at)) return mixed();
    }
    return found;
  }
  State operator()(const FormProducts&) const { return mixed(); }  // only in optimised programs
  State operator()(const Reduce& p) const {
    const bool over_samples = std::ranges::find(p.axes, in(0).at.axis) != p.axes.end();
    if (!over_samples) return in(0);
    const bool is_range =
        p.axes.size() == shape(0).size() && (p.kind == Reduce::Kind::min || p.kind == Reduce::Kind::max);
    return is_range && axes_.ranges_ == SampleAxes::Ranges::constant ? State{} : mixed();
  }
  State operator()(const ArgReduce& p) const { return unless_along(p.axis); }
  State operator()(const TopK& p) const { return unless_along(p.axis); }
  State operator()(const RavelIndex&) const { return unless_along(std::ssize(shape(0)) - 1); }
  State operator()(const Softmax& p) const { return unless_along(p.axis); }
  State operator()(const CumSum& p) const { return unless_along(p.axis); }
  State operator()(const AxisMap& p) const { return unless_along(p.axis); }
  State operator()(const MaxPool&) const { return windows(); }
  State operator()(const MaxPoolScatter&) const { return windows(); }
  State operator()(const MaxPoolGather&) const { return windows(); }
  State operator()(const SumPool&) const { return windows(); }
  State operator()(const SumPoolInput&) const { return windows(); }
  State operator()(const Reshape&) const { return reshaped(); }
  State operator()(const Transpose& p) const {
    State state = in(0);
    state.at.axis = std::ranges::find(p.permutation, in(0).at.axis) - p.permutation.begin();
    return state;
  }
  State operator()(const Slice& p) const { return whole_window(p.starts, p.steps); }
  State operator()(const Place& p) const { return whole_window(p.starts, p.steps); }
  State operator()(const Concat& p) const {
    const State state = aligned(step_.inputs);
    return state.at.axis == p.axis ? mixed() : state;
  }
  State operator()(const Gather& p) const {
    // y[a.., i.., c..] = x[a.., index[i..], c..]
    if (in(0).kind == Kind::separate && in(1).kind == Kind::separate) return mixed();
    State state = in(in(0).kind == Kind::separate ? 0 : 1);
    if (in(1).kind == Kind::separate) {
      state.at.axis += p.axis;
    } else {
      if (state.at.axis == p.axis) return mixed();
      if (state.at.axis > p.axis) state.at.axis += std::ssize(shape(1)) - 1;
    }
    return state;
  }
  State operator()(const GatherAdjoint&) const { return mixed(); }
  State operator()(const GatherElements& p) const { return along_other_axes(p.axis); }
  State operator()(const ScatterElements& p) const { return along_other_axes(p.axis); }
  State operator()(const Noise&) const { return mixed(); }

 private:
  const State& in(size_t i) const { return axes_[step_.inputs[i]]; }
  const Shape& shape(size_t i) const { return axes_.program_[step_.inputs[i]].shape; }
  const Shape& out() const { return axes_.program_[step_.outputs[0]].shape; }
  static State mixed() { return {Kind::mixed, {}, -1}; }

  /// The operand's samples among the axes of the result, as numpy's rules align them.
  State moved_to_result(size_t i) const {
    State state = in(i);
    state.at.axis += std::ssize(out()) - std::ssize(shape(i));
    return state;
  }

  /// Whether an operand without samples of its own gives every sample the same.
  bool broadcasts(size_t i, const SampleAxis& at) const {
    return axes_.same_for_all(step_.inputs[i], at.axis - (std::ssize(out()) - std::ssize(shape(i))), at);
  }

  /// Operands that numpy's rules align: samples must lie alike in all that have any.
  State aligned(const std::vector<Var>& operands) const {
    State found;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (in(i).kind != Kind::separate) continue;
      const State own = moved_to_result(i);
      if (found.kind == Kind::separate && own.at != found.at) return mixed();
      found = own;
    }
    for (size_t i = 0; i < operands.size(); ++i) {
      if (in(i).kind == Kind::shared && !broadcasts(i, found.at)) return mixed();
    }
    return found;
  }

  /// a (or b) of a product: its free axis or one of the leading ones may hold samples.
  State of_factor(size_t i, bool free_is_last) const {
    const int64_t rank = std::ssize(shape(i)), axis = in(i).at.axis;
    if (axis < rank - 2) return moved_to_result(i);
    if (axis != rank - (free_is_last ? 1 : 2)) return mixed();
    State state = in(i);
    state.at.axis = std::ssize(out()) - (i == 0 ? 2 : 1);
    return state;
  }

  State unless_along(int64_t axis) const { return in(0).at.axis == axis ? mixed() : in(0); }

  State windows_of_batch() const {
    for (size_t i = 1; i < step_.inputs.size(); ++i) {
      if (in(i).kind != Kind::shared) return mixed();
    }
    return in(0).at.axis == 0 ? in(0) : mixed();
  }

  /// Pooling slides over axes 2 and up.
  State windows() const {
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      if (in(i).kind != Kind::separate || in(i).at != in(0).at) return mixed();
    }
    return in(0).at.axis < 2 ? in(0) : mixed();
  }

  /// In row-major order element ((q * samples + n) * S + s) belongs to sample n. It still does along the one
  /// axis of the new shape that holds all of n, if S places and q blocks are cut between axes.
  State reshaped() const {
    const auto& [axis, outer, inner] = in(0).at;
    const Shape &from = shape(0), &to = out();
    const auto at = static_cast<size_t>(axis);
    const int64_t S = inner * count_between(from, at + 1, from.size()),
                  Q = outer * count_between(from, 0, at);
    State found = mixed();
    for (size_t j = 0; j < to.size(); ++j) {
      const int64_t before = count_between(to, 0, j), behind = count_between(to, j + 1, to.size());
      if (before == 0 || behind == 0 || Q % before != 0 || S % behind != 0) continue;
      if (found.kind == Kind::separate) return mixed();  // a single sample fits on several axes
      found = {Kind::separate, {static_cast<int64_t>(j), Q / before, S / behind}, -1};
      if (axes_.samples_ > 1) break;
    }
    return found;
  }

  State whole_window(const std::vector<int64_t>& starts, const std::vector<int64_t>& steps) const {
    const auto axis = static_cast<size_t>(in(0).at.axis);
    const bool whole = starts[axis] == 0 && steps[axis] == 1 && shape(0)[axis] == out()[axis];
    return whole ? in(0) : mixed();
  }

  /// Indices along `axis`; along the samples' axis every operand must have all of them.
  State along_other_axes(int64_t axis) const {
    const State state = aligned(step_.inputs);
    if (state.kind != Kind::separate || state.at.axis == axis) return mixed();
    const auto at = static_cast<size_t>(state.at.axis);
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      if (shape(i)[at] != out()[at]) return mixed();
    }
    return state;
  }

  const SampleAxes& axes_;
  const Step& step_;
};

SampleAxes::SampleAxes(const Program& program, std::span<const Var> batched, int64_t samples)
    : program_(program),
      samples_(samples),
      states_(program.variables.size()),
      producer_(program.variables.size(), -1) {
  for (const Var v : batched) states_[static_cast<size_t>(v.id)] = {State::Kind::separate, {}, -1};
  follow_steps();
}

SampleAxes::SampleAxes(const Program& program, std::span<const std::pair<Var, SampleAxis>> batched,
                       int64_t samples, Ranges ranges)
    : program_(program),
      samples_(samples),
      ranges_(ranges),
      states_(program.variables.size()),
      producer_(program.variables.size(), -1) {
  for (const auto& [v, at] : batched) states_[static_cast<size_t>(v.id)] = {State::Kind::separate, at, -1};
  follow_steps();
}

std::optional<SampleAxis> SampleAxes::of(Var v) const {
  const State& state = (*this)[v];
  return state.kind == State::Kind::separate ? std::optional(state.at) : std::nullopt;
}

void SampleAxes::follow_steps() {
  using Kind = State::Kind;
  require(samples_ >= 1, ErrorCode::failed, "there is no sample to follow");
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    const Step& step = program_.steps[i];
    const auto number = static_cast<int32_t>(i);
    const auto kind_of = [&](Var v) { return (*this)[v].kind; };
    const auto spoilt = std::ranges::find(step.inputs, Kind::mixed, kind_of);
    State state;
    if (spoilt != step.inputs.end())
      state = (*this)[*spoilt];
    else if (std::ranges::find(step.inputs, Kind::separate, kind_of) != step.inputs.end())
      state = std::visit(SampleStep(*this, step), step.primitive);
    if (state.kind == Kind::mixed && state.step < 0) state.step = number;
    for (const Var v : step.outputs) {
      states_[static_cast<size_t>(v.id)] = state;
      producer_[static_cast<size_t>(v.id)] = number;
    }
  }
}

bool SampleAxes::leads(Var v) const {
  return (*this)[v].kind == State::Kind::separate && (*this)[v].at == SampleAxis{};
}

std::string SampleAxes::why_not(Var v) const {
  const State& state = (*this)[v];
  if (leads(v)) return {};
  const std::string& label = program_[v].label;
  if (state.kind == State::Kind::shared) return fmt::format("'{}' does not depend on the inputs", label);
  if (state.kind == State::Kind::separate)
    return fmt::format("'{}' {} does not have the samples first", label, to_string(program_[v].shape));
  return meeting(v);
}

std::string SampleAxes::meeting(Var v) const {
  if (!meet_in(v)) return {};
  const Step& step = program_.steps[static_cast<size_t>((*this)[v].step)];
  return fmt::format("samples meet in {} of '{}'", name_of(step.primitive), program_[step.outputs[0]].label);
}

namespace {

/// Whether the elements of `t`, [.., outer, samples, inner, ..] around `axis`, are the same for every sample.
bool repeats(const Tensor& t, size_t axis, const SampleAxis& at, int64_t samples) {
  const Shape& shape = t.shape();
  const int64_t blocks = count_between(shape, 0, axis) * at.outer,
                each = at.inner * count_between(shape, axis + 1, shape.size()) * size_of(t.dtype());
  for (int64_t block = 0; block < blocks; ++block) {
    const std::byte* first = t.bytes() + block * samples * each;
    for (int64_t n = 1; n < samples; ++n) {
      if (std::memcmp(first, first + n * each, static_cast<size_t>(each)) != 0) return false;
    }
  }
  return true;
}

}  // namespace

/// Whether a variable that depends on no sample is, along `axis` of its own, the same at the places of every
/// sample.
bool SampleAxes::same_for_all(Var v, int64_t axis, const SampleAxis& at) const {
  const int64_t extent = axis < 0 ? 1 : program_[v].shape[static_cast<size_t>(axis)];
  if (extent == 1) return true;
  // Indices of a scatter may reach some of the places only.
  if (extent != at.outer * samples_ * at.inner) return false;
  if (const auto& constant = program_[v].constant)
    return repeats(*constant, static_cast<size_t>(axis), at, samples_);
  const int32_t p = producer_[static_cast<size_t>(v.id)];
  if (p < 0) return false;
  const Step& step = program_.steps[static_cast<size_t>(p)];
  if (!std::holds_alternative<Broadcast>(step.primitive) &&
      !std::holds_alternative<Elementwise>(step.primitive))
    return false;
  return std::ranges::all_of(step.inputs, [&](Var x) {
    return same_for_all(x, axis - (std::ssize(program_[v].shape) - std::ssize(program_[x].shape)), at);
  });
}

}  // namespace onnxray
