#include "ops/lower_graph.h"

namespace onnxray {

Var operand_of(Builder& b, const Graph& graph, ValueId id) {
  if (id == kNoValue) return {};
  const Value& value = graph[id];
  return value.constant ? b.constant(*value.constant, value.name)
                        : b.input(value.name, value.shape.value(), value.dtype.value());
}

std::vector<Var> operands_of_inputs(Builder& b, const Graph& graph) {
  std::vector<Var> operands;
  for (const InputInfo& input : graph.inputs) operands.push_back(operand_of(b, graph, input.value));
  return operands;
}

Forward lower_graph(const Graph& graph, const OpRegistry& ops, Builder& builder,
                    std::span<const Var> inputs) {
  Forward forward{std::vector<Var>(graph.values.size()), {}, &ops};
  for (size_t i = 0; i < graph.inputs.size(); ++i)
    forward.vars[static_cast<size_t>(graph.inputs[i].value)] = inputs[i];

  const auto var_of = [&](ValueId id) {
    if (id == kNoValue) return Var{};
    Var& var = forward.vars[static_cast<size_t>(id)];
    if (!var && graph.constant(id)) var = builder.constant(*graph.constant(id), graph[id].name);
    return var;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    std::vector<Var> operands;
    for (const ValueId id : node.inputs) operands.push_back(var_of(id));
    builder.set_origin(static_cast<int32_t>(n),
                       node.origin.names.empty() ? node.op : node.origin.names.front());
    const size_t first = builder.program().steps.size();
    const std::vector<Var> results = lower_node(ops, node, builder, std::move(operands));
    forward.node_steps.push_back({first, builder.program().steps.size()});
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) forward.vars[static_cast<size_t>(node.outputs[i])] = results[i];
    }
  }
  builder.set_origin(-1, {});
  for (const ValueId id : graph.outputs) var_of(id);
  return forward;
}

}  // namespace onnxray
