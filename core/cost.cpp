#include "core/cost.h"

#include <cmath>
#include <set>

#include "core/winograd.h"

namespace onnxray {

namespace {

double product(const Shape& extents) {
  double all = 1;
  for (const int64_t extent : extents) all *= static_cast<double>(extent);
  return all;
}

/// Flops of one step, by primitive; the operands' shapes come from the program.
class Flops {
 public:
  Flops(const Program& program, const Step& step) : program_(program), step_(step) {}

  /// y has a dot product of C/groups * kernel terms, w's size per output channel, at each place.
  double operator()(const Convolution&) const { return 2 * out() * per_channel(in(1)) + biases(2); }
  double operator()(const ConvolutionInput&) const { return 2 * size(0) * per_channel(in(1)); }
  /// Each weight belongs to one of both parts.
  double operator()(const SplitConvolution&) const { return 2 * out() * per_channel(in(1)) + biases(2); }
  double operator()(const SplitConvolutionInput&) const { return 2 * size(0) * per_channel(in(2)); }
  double operator()(const ConvolutionWeight& p) const { return 2 * size(1) * per_channel(p.shape); }
  double operator()(const MatMul& p) const {
    const Shape& a = in(0);
    const auto inner = static_cast<double>(a[a.size() - (p.transpose_a ? 2 : 1)]);
    return 2 * out() * inner + biases(2);
  }
  double operator()(const FormProducts&) const {
    const auto inner = static_cast<double>(in(0)[1]);
    double results = 0;
    for (const Var y : step_.outputs) results += product(program_[y].shape);
    return 2 * results * inner;
  }
  double operator()(const Elementwise& p) const {
    return out() * static_cast<double>(p.expression.code.size());
  }
  double operator()(const Reduce&) const { return size(0); }
  double operator()(const ArgReduce&) const { return size(0); }
  /// A comparison per entry to part the largest, and those of sorting them.
  double operator()(const TopK& p) const {
    return size(0) + out() * std::log2(static_cast<double>(std::max<int64_t>(p.count, 1)));
  }
  double operator()(const CumSum&) const { return size(0); }
  double operator()(const RavelIndex&) const { return 2 * size(0); }
  /// Largest entry, difference, exponential, sum, quotient.
  double operator()(const Softmax&) const { return 5 * size(0); }
  double operator()(const MaxPool& p) const { return out() * product(p.window.kernel); }
  double operator()(const MaxPoolScatter&) const { return size(0); }
  double operator()(const SumPool& p) const { return out() * product(p.window.kernel); }
  double operator()(const SumPoolInput& p) const { return size(0) * product(p.window.kernel); }
  double operator()(const GatherAdjoint&) const { return size(0); }
  double operator()(const ScatterElements& p) const {
    return p.kind == ScatterElements::Kind::replace ? 0 : size(2);
  }
  /// One product and one sum per entry of the table, for every line along the axis.
  double operator()(const AxisMap& p) const {
    if (p.table->out == 0) return 0;
    return 2 * out() / static_cast<double>(p.table->out) * static_cast<double>(p.table->weight.size());
  }
  // Movement and random draws.
  double operator()(const MaxPoolGather&) const { return 0; }
  double operator()(const Reshape&) const { return 0; }
  double operator()(const Transpose&) const { return 0; }
  double operator()(const Broadcast&) const { return 0; }
  double operator()(const Slice&) const { return 0; }
  double operator()(const Place&) const { return 0; }
  double operator()(const Concat&) const { return 0; }
  double operator()(const Gather&) const { return 0; }
  double operator()(const GatherElements&) const { return 0; }
  double operator()(const Noise&) const { return 0; }

 private:
  const Shape& in(size_t i) const { return program_[step_.inputs[i]].shape; }
  double size(size_t i) const { return product(in(i)); }
  double out() const { return product(program_[step_.outputs[0]].shape); }
  double biases(size_t i) const { return step_.inputs.size() > i ? out() : 0; }
  static double per_channel(const Shape& w) { return w[0] == 0 ? 0 : product(w) / static_cast<double>(w[0]); }

  const Program& program_;
  const Step& step_;
};

int64_t bytes_of(const Program& program, Var v, const PlanOptions& options) {
  return element_count(program[v].shape) * stored_size(program[v].dtype, options);
}

/// Of their first operand these read what they give, not all of it.
bool reads_a_part(const Step& step) {
  return std::holds_alternative<Slice>(step.primitive) || std::holds_alternative<Gather>(step.primitive) ||
         std::holds_alternative<GatherElements>(step.primitive);
}

template <class F>
Cost cost_with(const Program& program, const Step& step, F bytes) {
  Cost cost{std::visit(Flops(program, step), step.primitive), 0};
  for (const Var v : step.outputs) cost.bytes += static_cast<double>(bytes(v));
  for (size_t i = 0; i < step.inputs.size(); ++i)
    cost.bytes += static_cast<double>(bytes(i == 0 && reads_a_part(step) ? step.outputs[0] : step.inputs[i]));
  return cost;
}

}  // namespace

Cost cost_of(const Program& program, const Step& step, const PlanOptions& options) {
  return cost_with(program, step, [&](Var v) { return bytes_of(program, v, options); });
}

Cost cost_of(const Plan& plan) {
  Cost all;
  for (size_t i = 0; i < plan.program.steps.size(); ++i) {
    if (plan.is_view[i]) continue;
    const Step& step = plan.program.steps[i];
    const Cost once = cost_with(plan.program, step, [&](Var v) {
      return plan[v].bits ? plan[v].bytes : bytes_of(plan.program, v, plan.options);
    });
    const double times = step.block == Block::repeat ? static_cast<double>(plan.program.trips) : 1;
    all += {once.flops * times, once.bytes * times};
  }
  return all;
}

PlanMemory memory_of(const Plan& plan) {
  const Program& program = plan.program;
  PlanMemory memory;
  memory.arena = plan.arena_bytes;
  std::set<int32_t> constants;
  for (size_t i = 0; i < program.steps.size(); ++i) {
    for (const Var v : program.steps[i].inputs) {
      const Placement& placement = plan[v];
      if (placement.home == Placement::Home::constant && constants.insert(placement.root.id).second)
        memory.constants += placement.bytes;
    }
  }
  for (const NamedVar& input : program.inputs) memory.inputs += bytes_of(program, input.var, plan.options);
  for (const NamedVar& output : program.outputs)
    memory.outputs += bytes_of(program, output.var, plan.options);
  return memory;
}

bool packs_weights(const Program& program, const Step& step, const PlanOptions& options) {
  if (!options.packs_weights) return false;
  if (std::holds_alternative<MatMul>(step.primitive)) {
    const Shape& y = program[step.outputs[0]].shape;
    return element_count(y) / std::max<int64_t>(y.back(), 1) > options.unpacked_rows;
  }
  return std::holds_alternative<Convolution>(step.primitive) ||
         std::holds_alternative<ConvolutionInput>(step.primitive) ||
         std::holds_alternative<SplitConvolution>(step.primitive) ||
         std::holds_alternative<SplitConvolutionInput>(step.primitive);
}

namespace {

/// What a packed copy of `bytes` of weights takes. Winograd's transform makes 36 numbers of 9. Of weights
/// that are sorted by sign four share 16 bits for their place, and 256 share 16 counts of 16 bits.
int64_t packed_bytes(const Step& step, int64_t bytes) {
  const bool is_sorted = std::holds_alternative<SplitConvolution>(step.primitive) ||
                         std::holds_alternative<SplitConvolutionInput>(step.primitive);
  if (is_sorted) return bytes + bytes / 8 + bytes / 32;
  return is_winograd(step) ? 4 * bytes : bytes;
}

/// Products of one use want a constant in one order and form.
struct Use {
  size_t order = 0;
  WeightForm form = {};
  auto operator<=>(const Use&) const = default;
};

Use use_of(const Step& product) {
  const auto* matmul = std::get_if<MatMul>(&product.primitive);
  const bool is_other_way = (matmul && matmul->transpose_b) || is_winograd(product);
  return {2 * product.primitive.index() + (is_other_way ? 1 : 0), form_of(product.primitive)};
}

/// Both sides' transformed tiles, as many as are worked on at a time.
int64_t winograd_bytes(const Plan& plan, const Step& step) {
  if (!is_winograd(step)) return 0;
  const Shape &x = plan.program[step.inputs[0]].shape, &y = plan.program[step.outputs[0]].shape;
  const int64_t channels = x[1] + y[1], size = plan.options.real_size;
  return 36 * channels * size *
         std::min(winograd_tiles(y), winograd_tiles_in(plan.options.winograd_block, channels, size));
}

}  // namespace

int64_t planned_bytes(const Plan& plan) {
  int64_t bytes = memory_of(plan).total(), scratch = 0;
  if (!plan.options.packs_weights) return bytes;
  std::set<std::pair<int32_t, Use>> packed;  // a constant and its use
  for (const Step& step : plan.program.steps) {
    if (!packs_weights(plan.program, step, plan.options)) continue;
    bytes += plan.options.product_bytes;
    scratch = std::max(scratch, winograd_bytes(plan, step));
    for (const Var v : step.inputs) {
      const bool is_constant = plan[v].home == Placement::Home::constant;
      if (is_constant && packed.insert({plan[v].root.id, use_of(step)}).second)
        bytes += packed_bytes(step, bytes_of(plan.program, v, plan.options));
    }
  }
  return bytes + scratch;
}

}  // namespace onnxray
