#include "onnx/build_graph.h"

#include <algorithm>

#include "core/fail.h"
#include "onnx/attributes.h"
#include "onnx/quote.h"
#include "onnx/scopes.h"
#include "onnx/support.h"
#include "onnx/tensor_proto.h"

namespace onnxray {

namespace {

size_t index(ValueId id) { return static_cast<size_t>(id); }

/// Indices of the nodes that the outputs need, in file order. No order of the nodes is assumed.
std::vector<size_t> live_nodes(const FlatGraph& flat) {
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> producer(flat.graph.values.size(), kNone);
  for (size_t n = 0; n < flat.nodes.size(); ++n) {
    for (const ValueId id : flat.nodes[n].outputs) {
      if (id != kNoValue) producer[index(id)] = n;
    }
  }
  std::vector<bool> seen(flat.nodes.size(), false);
  std::vector<size_t> live;
  const auto visit = [&](ValueId id) {
    if (id == kNoValue || producer[index(id)] == kNone || seen[producer[index(id)]]) return;
    seen[producer[index(id)]] = true;
    live.push_back(producer[index(id)]);
  };
  for (const ValueId id : flat.graph.outputs) visit(id);
  for (size_t i = 0; i < live.size(); ++i) {
    for (const ValueId id : flat.nodes[live[i]].inputs) visit(id);
  }
  std::ranges::sort(live);
  return live;
}

void set_constant(Graph& graph, ValueId id, Tensor tensor) {
  Value& value = graph[id];
  value.dtype = tensor.dtype();
  value.shape = tensor.shape();
  value.constant = std::move(tensor);
}

/// A node's own name, its outputs', and those of the function calls whose outputs it writes.
Origin origin_of(const FlatNode& node, const Graph& graph) {
  const auto writes = [&](const std::vector<ValueId>& outputs) {
    return std::ranges::any_of(node.outputs, [&](ValueId id) {
      return id != kNoValue && std::ranges::find(outputs, id) != outputs.end();
    });
  };
  Origin origin;
  const std::string& prefix = node.frame->call_name;
  if (!node.proto->name().empty()) {
    origin.names.push_back(prefix.empty() ? node.proto->name() : prefix + "/" + node.proto->name());
  }
  for (const ValueId id : node.outputs) {
    if (id != kNoValue) origin.names.push_back(graph[id].name);
  }
  for (const CallFrame* frame = node.frame; frame->caller && writes(frame->outputs); frame = frame->caller) {
    origin.names.push_back(frame->call_name);
  }
  origin.scopes = scopes_of(*node.proto);
  if (origin.scopes.empty()) origin.scopes = node.frame->scopes;
  return origin;
}

bool is_constant(const FlatNode& node) { return node.domain.empty() && node.proto->op_type() == "Constant"; }

void add_constant_node(Graph& graph, const FlatNode& node, TensorReader& tensors) {
  require(node.inputs.empty() && node.outputs.size() == 1, ErrorCode::bad_file,
          "the {} must have no inputs and one output", label_of(*node.proto));
  set_constant(graph, node.outputs[0], read_constant(node, tensors));
}

Node make_node(Graph& graph, const FlatNode& flat, TensorReader& tensors, GrowthBudget& budget);

Subgraph make_body(Graph& graph, const FlatBody& flat, size_t operands, TensorReader& tensors,
                   GrowthBudget& budget) {
  auto body = std::make_shared<Body>();
  body->operands = operands;
  body->inputs = flat.inputs;
  body->outputs = flat.outputs;
  Graph inner;
  for (const FlatNode& node : flat.nodes) {
    if (is_constant(node))
      add_constant_node(graph, node, tensors);
    else
      inner.nodes.push_back(make_node(graph, node, tensors, budget));
  }
  inner.values.resize(graph.values.size());
  inner.sort_nodes();
  body->nodes = std::move(inner.nodes);
  return body;
}

Node make_node(Graph& graph, const FlatNode& flat, TensorReader& tensors, GrowthBudget& budget) {
  Node node;
  node.op = flat.proto->op_type();
  node.opset = flat.opset;
  node.domain = flat.domain;
  node.attributes = read_attributes(flat, tensors, budget);
  node.inputs = flat.inputs;
  node.outputs = flat.outputs;
  node.origin = origin_of(flat, graph);
  for (const FlatBody& body : flat.bodies)
    node.attributes[body.attribute] = make_body(graph, body, flat.operands, tensors, budget);
  return node;
}

void read_initialisers(FlatGraph& flat, TensorReader& tensors) {
  const std::vector<int32_t> uses = flat.graph.use_counts();
  for (const auto& [id, proto] : flat.initialisers) {
    if (uses[index(id)] == 0) continue;
    set_constant(flat.graph, id, tensors.read(*proto, "initialiser " + quote(proto->name())));
  }
}

}  // namespace

Graph build_graph(FlatGraph flat, const OpRegistry& ops, TensorReader& tensors, GrowthBudget& budget,
                  std::vector<std::string>& notes) {
  const std::vector<size_t> live = live_nodes(flat);
  check_support(flat, live, ops);
  if (live.size() < flat.nodes.size()) {
    notes.push_back(fmt::format("dropped {} nodes that no output needs", flat.nodes.size() - live.size()));
  }
  if (!flat.shadowed.empty()) {
    notes.push_back(fmt::format("{} inputs have initialisers and are constants", flat.shadowed.size()));
  }
  for (const size_t n : live) {
    if (is_constant(flat.nodes[n]))
      add_constant_node(flat.graph, flat.nodes[n], tensors);
    else
      flat.graph.nodes.push_back(make_node(flat.graph, flat.nodes[n], tensors, budget));
  }
  flat.graph.sort_nodes();
  read_initialisers(flat, tensors);
  return std::move(flat.graph);
}

}  // namespace onnxray
