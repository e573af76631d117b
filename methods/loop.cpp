#include "methods/loop.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

Loop::Loop(const MethodContext& context, int64_t trips) : b_(context.b) {
  b_.program().trips = trips;
  b_.set_block(Block::repeat);
}

Var Loop::per_trip(const Tensor& table, DType dtype) {
  // Held in double whatever its declared type, as Builder::scalar does.
  const Var v = b_.constant(table);
  b_.program()[v].dtype = dtype;
  return per_trip(v);
}

Var Loop::per_trip(const std::vector<double>& table, DType dtype) {
  return per_trip(Tensor::of<double>({std::ssize(table)}, table), dtype);
}

Var Loop::per_trip(Var table) { return b_.gather(table, trip(), 0); }

Loop::Carried Loop::carry(Shape shape, DType dtype) {
  Program& program = b_.program();
  const Var initial = b_.filled(0, shape, dtype);
  const Var current = program.add_variable(std::move(shape), dtype, "carried");
  program.loop.push_back({initial, current, current});
  return {program.loop.size() - 1, current};
}

void Loop::update(const Carried& carried, Var next) { b_.program().loop[carried.index].next = next; }

namespace {

/// Takes inner explained values away from the nodes that compute them and makes them inputs.
Graph opened(Graph graph, std::span<const ValueId> explained) {
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.outputs) {
      if (std::ranges::find(explained, id) == explained.end()) continue;
      graph.inputs.push_back({id, {}, false});
      id = kNoValue;
    }
  }
  return graph;
}

std::vector<Var> inputs_with(const Graph& graph, const MethodContext& context, std::span<const Var> moved) {
  std::vector<Var> inputs(context.inputs.begin(), context.inputs.end());
  inputs.resize(graph.inputs.size());
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto at = std::ranges::find(context.explained, graph.inputs[i].value);
    if (at != context.explained.end()) inputs[i] = moved[static_cast<size_t>(at - context.explained.begin())];
  }
  return inputs;
}

}  // namespace

MovedPass::MovedPass(const MethodContext& context, std::span<const Var> moved)
    : graph_(opened(context.graph, context.explained)),
      inputs_(inputs_with(graph_, context, moved)),
      forward_(lower_graph(graph_, context.ops, context.b, inputs_)),
      context_{graph_,
               context.ops,
               context.b,
               forward_,
               inputs_,
               context.explained,
               context.logits_value,
               context.selection,
               {},
               {},
               {}} {}

std::vector<Var> MovedPass::gradients(const MethodSpec& method) const {
  std::vector<Var> gradients = emit_gradient(method, context_);
  Builder& b = context_.b;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const Var x = context_.var(context_.explained[i]);
    if (!gradients[i]) gradients[i] = b.filled(0, b.shape(x), b.dtype(x));
  }
  return gradients;
}

Var sum_per_sample(Builder& b, Var v) {
  const std::vector<int64_t> axes = axes_from(1, b.rank(v));
  return axes.empty() ? v : b.sum(v, axes, false);
}

Var score(Builder& b, Var selection, Var logits) { return sum_per_sample(b, b.mul(selection, logits)); }

std::vector<Var> baselines(const MethodSpec& method, const MethodContext& context) {
  for (size_t i = 0; i < context.baselines.size(); ++i) {
    const Shape given = context.b.shape(context.baselines[i]),
                x = context.b.shape(context.var(context.explained[i]));
    require(broadcast_shapes(given, x) == x, ErrorCode::usage,
            "a baseline of shape {} does not fit the input {} of '{}'", to_string(given), to_string(x),
            method.text);
  }
  if (!context.baselines.empty()) return {context.baselines.begin(), context.baselines.end()};
  std::vector<Var> all;
  const double value = method.number("baseline", 0);
  for (const Var x : context.explained_vars()) all.push_back(context.b.scalar(value, context.b.dtype(x)));
  return all;
}

}  // namespace onnxray
