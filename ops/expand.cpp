#include "ops/expand.h"

#include <algorithm>

#include "core/fail.h"
#include "core/rethrow.h"

namespace onnxray {

namespace {

constexpr int64_t kOpset = 21;
/// What a node takes on its way through the graph, the program and the plan.
constexpr int64_t kNodeBytes = 4 << 10;

std::string name_of_node(const Node& node) {
  return node.origin.names.empty() ? node.op : node.origin.names.front();
}

/// Throws where a value that the node gives is written by none of the nodes in its place.
void check_outputs(const ExpandContext& context) {
  const std::vector<ValueId>& wanted = context.node.outputs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool written = std::ranges::any_of(context.nodes, [&](const Node& inner) {
      return std::ranges::find(inner.outputs, wanted[i]) != inner.outputs.end();
    });
    require(wanted[i] == kNoValue || written, ErrorCode::unsupported, "output {} is not available", i);
  }
}

}  // namespace

ExpandContext::ExpandContext(Graph& graph, const Node& n, int64_t since, GrowthBudget* growth)
    : node(n), version(since), graph_(graph), growth_(growth) {}

ValueId ExpandContext::input(size_t i) const {
  require(has(i), ErrorCode::bad_file, "input {} is missing", i);
  return node.inputs[i];
}

const Shape& ExpandContext::shape(size_t i) const {
  const Value& value = graph_[input(i)];
  require(value.shape.has_value(), ErrorCode::bad_file, "nothing computes its input '{}'", value.name);
  return *value.shape;
}

DType ExpandContext::dtype(size_t i) const {
  const Value& value = graph_[input(i)];
  require(value.dtype.has_value(), ErrorCode::bad_file, "nothing computes its input '{}'", value.name);
  return *value.dtype;
}

ValueId ExpandContext::constant(Tensor value) {
  return graph_.add_constant(name_of_node(node) + "/constant", std::move(value));
}

ValueId ExpandContext::ints(const std::vector<int64_t>& values) {
  return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

std::vector<ValueId> ExpandContext::add(std::string op, std::vector<ValueId> inputs, size_t outputs,
                                        Attributes attributes, std::string domain) {
  const std::string name = name_of_node(node) + "/" + (part_.empty() ? op : part_ + "/" + op);
  if (growth_) growth_->spend(1, kNodeBytes + 3 * std::ssize(name), "the nodes that stand for it");
  Node added;
  added.opset = !domain.empty() ? 1 : op == "Attention" ? 23 : kOpset;
  added.op = std::move(op);
  added.domain = std::move(domain);
  added.attributes = std::move(attributes);
  added.inputs = std::move(inputs);
  while (!added.inputs.empty() && added.inputs.back() == kNoValue) added.inputs.pop_back();
  for (size_t i = 0; i < outputs; ++i)
    added.outputs.push_back(graph_.add_value(i == 0 ? name : fmt::format("{}:{}", name, i)));
  added.origin = {{name}, node.origin.scopes};
  nodes.push_back(std::move(added));
  return nodes.back().outputs;
}

void ExpandContext::set(size_t i, ValueId v) {
  if (!wants(i)) return;
  Node copy;
  copy.op = "Identity";
  copy.opset = kOpset;
  copy.inputs = {v};
  copy.outputs = {node.outputs[i]};
  copy.origin = node.origin;
  nodes.push_back(std::move(copy));
}

void ExpandContext::replace(std::string op, std::vector<ValueId> inputs, Attributes attributes) {
  Node same;
  same.op = std::move(op);
  same.opset = kOpset;
  same.attributes = std::move(attributes);
  same.inputs = std::move(inputs);
  while (!same.inputs.empty() && same.inputs.back() == kNoValue) same.inputs.pop_back();
  same.outputs = node.outputs;
  same.origin = node.origin;
  nodes.push_back(std::move(same));
}

std::vector<Node> expand_node(const OpDef& op, Graph& graph, const Node& node, GrowthBudget* growth) {
  try {
    ExpandContext context(graph, node, effective_version(op, node), growth);
    op.expand(context);
    check_outputs(context);
    return std::move(context.nodes);
  } catch (...) {
    rethrow_as_error(node.describe());
  }
}

void lower_expanded(LowerContext& c) {
  const OpRegistry& ops = OpRegistry::builtin();
  Graph graph;
  std::vector<Var> vars;
  Node node = c.node;
  node.inputs.assign(c.input_count(), kNoValue);
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i)) continue;
    node.inputs[i] = graph.add_value(fmt::format("input {}", i));
    Value& value = graph[node.inputs[i]];
    value.shape = c.shape(i);
    value.dtype = c.b.dtype(c.input(i));
    if (const Tensor* known = c.b.constant(c.input(i))) value.constant = *known;
    vars.push_back(c.input(i));
  }
  for (ValueId& id : node.outputs) id = id == kNoValue ? kNoValue : graph.add_value("output");
  const std::vector<Node> nodes = expand_node(*ops.find(node.domain, node.op), graph, node);
  vars.resize(graph.values.size());
  for (const Node& inner : nodes) {
    std::vector<Var> operands;
    for (const ValueId id : inner.inputs) {
      if (id == kNoValue) {
        operands.push_back({});
        continue;
      }
      Var& var = vars[static_cast<size_t>(id)];
      if (!var && graph.constant(id)) var = c.b.constant(*graph.constant(id));
      operands.push_back(var);
    }
    const std::vector<Var> results = lower_node(ops, inner, c.b, std::move(operands));
    for (size_t i = 0; i < inner.outputs.size(); ++i) {
      if (inner.outputs[i] != kNoValue) vars[static_cast<size_t>(inner.outputs[i])] = results[i];
    }
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) c.set(i, vars[static_cast<size_t>(node.outputs[i])]);
  }
}

OpDef assembly(std::string domain, std::string name, std::vector<int> versions,
               void (*expand)(ExpandContext&), std::vector<int> shape_operands) {
  OpDef op{.domain = std::move(domain),
           .name = std::move(name),
           .versions = std::move(versions),
           .lower = lower_expanded};
  op.shape_operands = std::move(shape_operands);
  op.expand = expand;
  return op;
}

OpDef with_old_form(OpDef op, int since, void (*expand)(ExpandContext&)) {
  op.expand = expand;
  op.expand_before = since;
  return op;
}

}  // namespace onnxray
