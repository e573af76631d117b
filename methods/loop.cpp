#include "methods/loop.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cost.h"
#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/tokens.h"

namespace onnxray {

namespace {

/// What one step takes, in flops.
struct StepWork {
  double all = 0;
  double waiting = 0;  ///< for constants that are read for little arithmetic: dense weights
};

/// A forward pass and an adjoint. Constants are read once per trip: they count where the arithmetic does not
/// hide them.
StepWork work_of_step(const MethodContext& context) {
  constexpr double kPasses = 2;
  const Program& program = context.b.program();
  StepWork work;
  for (const auto& [first, last] : context.forward.node_steps) {
    for (size_t i = first; i < last; ++i) {
      const Step& step = program.steps[i];
      double constants = 0;
      for (const Var v : step.inputs) {
        if (program.is_constant(v))
          constants +=
              static_cast<double>(element_count(program[v].shape) * stored_size(program[v].dtype, {}));
      }
      const Cost cost = cost_of(program, step, {});
      work.all += kPasses * (cost.flops + kFlopsPerByte * (cost.bytes - constants));
      work.waiting += kPasses * std::max(0.0, kFlopsPerByte * constants - cost.flops);
    }
  }
  return work;
}

/// As many steps as fill a trip, and as keep it from waiting for dense weights; those only while a backend
/// reads them where they lie, for packed copies of them take more memory than the wait is worth.
double filling_width(const MethodContext& context) {
  constexpr double kWaiting = 0.03;  // of the work
  const PlanOptions& options = context.widening->options;
  if (options.trip_work <= 0) return 1;
  const StepWork work = work_of_step(context);
  if (work.all <= 0) return std::numeric_limits<double>::max();
  double few = std::ceil(work.waiting / (kWaiting * work.all));
  if (options.packs_weights)
    few = std::min(few,
                   static_cast<double>(options.unpacked_rows / std::max<int64_t>(context.samples.count, 1)));
  return std::max({1.0, few, std::ceil(options.trip_work / work.all)});
}

/// How many steps a trip should run.
int64_t wanted_width(const MethodContext& context, int64_t forced, int64_t steps) {
  if (!context.widening || steps < 2) return 1;
  const int64_t most = std::min(steps, context.widening->most);
  if (forced > 0 || most < 2) return std::max<int64_t>(std::min(forced, most), 1);
  const auto width = static_cast<int64_t>(std::min(filling_width(context), static_cast<double>(most)));
  // As few trips, shared out evenly, so that few steps are repeated.
  const int64_t trips = (steps + width - 1) / width;
  return (steps + trips - 1) / trips;
}

Wide choose_wide(const MethodContext& context, const MethodSpec& method, int64_t steps,
                 std::span<const ValueId> values) {
  const double forced = method.number("micro_batch", 0);
  require(forced >= 0 && forced == std::floor(forced) && forced < 1e9, ErrorCode::usage,
          "micro_batch={} of '{}' is not a whole number >= 0", forced, method.text);
  const int64_t width = wanted_width(context, static_cast<int64_t>(forced), steps);
  if (width > 1) {
    std::vector<ValueId> read(values.begin(), values.end());
    read.push_back(context.logits_value);
    try {
      for (const ValueId id : read) {
        require(context.samples.of(id) == SampleAxis{}, ErrorCode::unsupported,
                "'{}' {} does not have the samples first", context.graph[id].name,
                to_string(context.b.shape(context.var(id))));
      }
      return {&context.widening->graph(width, read), width};
    } catch (const Error& error) {
      require(forced == 0, ErrorCode::unsupported,
              "'{}' cannot run {} steps at once: {}; leave micro_batch out", method.text, width,
              error.what());
    }
  }
  return {&context.graph, 1};
}

}  // namespace

Loop::Loop(const MethodContext& context, const MethodSpec& method, int64_t steps,
           std::span<const ValueId> values)
    : b_(context.b),
      steps_(steps),
      samples_(context.samples.count),
      wide_(choose_wide(context, method, steps, values)) {
  b_.program().trips = (steps + width() - 1) / width();
  b_.set_block(Block::repeat);
}

Var Loop::of_trip(const Tensor& table, DType dtype) {
  // Held in double whatever its declared type, as Builder::scalar does.
  const Var v = b_.constant(table);
  b_.program()[v].dtype = dtype;
  return b_.gather(v, b_.step_index(), 0);
}

Var Loop::per_trip(const std::vector<double>& table, DType dtype) {
  return of_trip(Tensor::of<double>({std::ssize(table)}, table), dtype);
}

Var Loop::step_numbers() {
  if (step_numbers_) return step_numbers_;
  if (width() == 1) return step_numbers_ = b_.step_index();
  std::vector<int64_t> table;
  for (int64_t i = 0; i < trips() * width(); ++i) table.push_back(std::min(i, steps_ - 1));
  return step_numbers_ = of_trip(Tensor::of<int64_t>({trips(), width()}, table), DType::i64);
}

Var Loop::entries(Var table, Var which) {
  const Var chosen = b_.gather(table, which, 0);
  if (width() == 1 || samples_ > 1 || b_.rank(chosen) < 2) return chosen;
  Shape shape = b_.shape(chosen);  // the axis of the one sample becomes that of the steps
  shape.erase(shape.begin() + 1);
  return b_.reshape(chosen, std::move(shape));
}

Var Loop::of_steps(std::vector<double> table, size_t rank, DType dtype, bool repeats) {
  if (width() == 1) return per_trip(table, dtype);
  table.resize(static_cast<size_t>(trips() * width()), repeats ? table.back() : 0);
  Shape column(samples_ > 1 ? rank + 1 : std::max<size_t>(rank, 1), 1);
  column[0] = width();
  return b_.reshape(of_trip(Tensor::of<double>({trips(), width()}, table), dtype), std::move(column));
}

Var Loop::numbers(const std::vector<double>& by_step, size_t rank, DType dtype) {
  return of_steps(by_step, rank, dtype, true);
}

Var Loop::weights(const std::vector<double>& by_step, size_t rank, DType dtype) {
  return of_steps(by_step, rank, dtype, false);
}

Shape Loop::apart_shape(Shape samples) const {
  if (width() == 1) return samples;
  if (samples_ > 1)
    samples.insert(samples.begin(), width());
  else
    samples[0] = width();
  return samples;
}

Var Loop::joined(Var v, Shape samples) {
  if (width() == 1) return b_.broadcast(v, std::move(samples));
  Shape batch = samples;
  batch[0] *= width();
  return b_.reshape(b_.broadcast(v, apart_shape(std::move(samples))), std::move(batch));
}

Var Loop::apart(Var v) {
  Shape shape = b_.shape(v);
  if (width() == 1) return v;
  shape[0] = samples_;
  return b_.reshape(v, apart_shape(std::move(shape)));
}

Var Loop::sum_of_steps(Var v) { return width() == 1 ? v : b_.sum(v, {0}, samples_ == 1); }

Loop::Carried Loop::carry(Shape shape, DType dtype) {
  Program& program = b_.program();
  const Var initial = b_.filled(0, shape, dtype);
  const Var current = program.add_variable(std::move(shape), dtype, "carried");
  program.loop.push_back({initial, current, current});
  return {program.loop.size() - 1, current};
}

void Loop::update(const Carried& carried, Var next) { b_.program().loop[carried.index].next = next; }

namespace {

/// Takes values away from the nodes that compute them and makes them inputs.
Graph opened(Graph graph, std::span<const ValueId> values) {
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.outputs) {
      if (std::ranges::find(values, id) == values.end()) continue;
      graph.inputs.push_back({id, {}, false});
      id = kNoValue;
    }
  }
  return graph;
}

/// As many copies of the batch as a trip runs steps.
Var tiled(Builder& b, Var v, int64_t count) {
  if (count == 1) return v;
  Shape apart = b.shape(v), batch = apart;
  apart.insert(apart.begin(), count);
  batch[0] *= count;
  return b.reshape(b.broadcast(v, std::move(apart)), std::move(batch));
}

std::vector<Var> inputs_with(const Graph& graph, const MethodContext& context, int64_t count,
                             std::span<const ValueId> values, std::span<const Var> moved) {
  std::vector<Var> inputs(graph.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto at = std::ranges::find(values, graph.inputs[i].value);
    inputs[i] = at != values.end() ? moved[static_cast<size_t>(at - values.begin())]
                                   : tiled(context.b, context.inputs[i], count);
  }
  return inputs;
}

}  // namespace

MovedPass::MovedPass(const MethodContext& context, const Wide& wide, std::span<const ValueId> values,
                     std::span<const Var> moved, Var selection)
    : graph_(opened(*wide.graph, values)),
      inputs_(inputs_with(graph_, context, wide.count, values, moved)),
      forward_(lower_graph(graph_, context.ops, context.b, inputs_)),
      context_{graph_,          context.ops,          context.b, forward_, inputs_, context.explained,
               context.samples, context.logits_value, selection, {},       {},      {}} {}

MovedPass::MovedPass(const MethodContext& context, std::span<const Var> moved)
    : MovedPass(context, {&context.graph, 1}, context.explained, moved, context.selection) {}

std::vector<Var> MovedPass::gradients(const MethodSpec& method, std::span<const ValueId> values) const {
  const MethodContext at_values{
      graph_,           context_.ops,          context_.b,         forward_, inputs_, values,
      context_.samples, context_.logits_value, context_.selection, {},       {},      {}};
  std::vector<Var> gradients = emit_gradient(method, at_values);
  Builder& b = context_.b;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const Var x = at_values.var(values[i]);
    if (!gradients[i]) gradients[i] = b.filled(0, b.shape(x), b.dtype(x));
  }
  return gradients;
}

Var score(const MethodContext& context, Var selection) {
  return sum_per_sample(context.b, context.b.mul(selection, context.logits()),
                        context.samples.of(context.logits_value));
}

std::vector<Var> baselines(const MethodSpec& method, const MethodContext& context) {
  for (size_t i = 0; i < context.baselines.size(); ++i) {
    const Shape given = context.b.shape(context.baselines[i]),
                x = context.b.shape(context.var(context.explained[i]));
    require(broadcast_shapes(given, x) == x, ErrorCode::usage,
            "a baseline of shape {} does not fit the input {} of '{}'", to_string(given), to_string(x),
            method.text);
  }
  std::vector<Var> all;
  // The parameter may name the file of those that were given.
  const double value = context.baselines.empty() ? method.number("baseline", 0) : 0;
  for (size_t i = 0; i < context.explained.size(); ++i) {
    const Var x = context.var(context.explained[i]);
    const Var x0 =
        context.baselines.empty() ? context.b.scalar(value, context.b.dtype(x)) : context.baselines[i];
    all.push_back(where_moving(context, i, x0, x));
  }
  return all;
}

}  // namespace onnxray
