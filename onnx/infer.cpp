#include "onnx/infer.h"

#include <algorithm>
#include <utility>

#include "core/fail.h"
#include "onnx/control_flow.h"
#include "onnx/fold.h"
#include "onnx/observer.h"
#include "onnx/sequences.h"
#include "onnx/training_mode.h"
#include "ops/expand.h"
#include "ops/lower_graph.h"

namespace onnxray {

DType widened(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype; }

namespace {

// A constant that is larger than what it is computed from (a tiled mask, a mesh) costs memory in every plan.
constexpr int64_t kMaxExpansion = int64_t{64} << 20;

class NodeInference {
 public:
  NodeInference(Graph& graph, const OpRegistry& ops, Backend& folder)
      : graph_(graph), ops_(ops), folder_(folder) {}

  void infer(Node& node) {
    Program program;
    Builder builder(program);
    std::vector<Var> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(operand(builder, node, id));
    const bool known = program.inputs.empty();
    std::vector<Var> outputs = lower_node(ops_, node, builder, std::move(inputs));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      Value& value = graph_[node.outputs[i]];
      value.dtype = widened(program[outputs[i]].dtype);
      value.shape = program[outputs[i]].shape;
      if (program.is_constant(outputs[i])) settle(node, i, *program[outputs[i]].constant);
    }
    if (known) fold(node, std::move(program), outputs);
  }

 private:
  Var operand(Builder& builder, const Node& node, ValueId id) const {
    const bool is_known = id == kNoValue || graph_.constant(id) || (graph_[id].shape && graph_[id].dtype);
    require(is_known, ErrorCode::bad_file, "{}: nothing computes its input '{}'", node.describe(),
            is_known ? "" : graph_[id].name);
    return operand_of(builder, graph_, id);
  }

  /// Output `i` is a constant: the node does not write it any more.
  void settle(Node& node, size_t i, Tensor constant) {
    Value& value = graph_[node.outputs[i]];
    value.constant = constant.to(*value.dtype);
    node.outputs[i] = kNoValue;
  }

  void fold(Node& node, Program program, const std::vector<Var>& outputs) {
    std::vector<size_t> wanted;
    int64_t bytes = 0, input_bytes = 0;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      wanted.push_back(i);
      program.outputs.push_back({graph_[node.outputs[i]].name, outputs[i]});
      bytes += element_count(program[outputs[i]].shape) * size_of(program[outputs[i]].dtype);
    }
    for (const ValueId id : node.inputs) {
      if (const Tensor* t = graph_.constant(id)) input_bytes += t->byte_size();
    }
    if (wanted.empty() || (bytes > kMaxExpansion && bytes > input_bytes)) return;
    std::vector<Tensor> results = evaluate(std::move(program), folder_);
    for (size_t k = 0; k < wanted.size(); ++k) settle(node, wanted[k], std::move(results[k]));
  }

  Graph& graph_;
  const OpRegistry& ops_;
  Backend& folder_;
};

bool lacks_shape(const Graph& graph, const Node& node) {
  return std::ranges::any_of(
      node.outputs, [&](ValueId id) { return id != kNoValue && !(graph[id].shape && graph[id].dtype); });
}

/// Infers nodes one after the other; control flow and assemblies give way to the nodes that they stand for.
class Sweep {
 public:
  Sweep(Graph& graph, const OpRegistry& ops, Backend& folder, const Observer* observer)
      : graph_(graph),
        ops_(ops),
        observer_(observer),
        inference_(graph, ops, folder),
        sequences_(graph, [this](Node inner) { settle(std::move(inner)); }) {}

  void run() {
    std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    graph_.nodes.reserve(nodes.size());
    for (Node& node : nodes) settle(std::move(node));
    sequences_.check_outputs();
  }

 private:
  void settle(Node node) {
    if (!lacks_shape(graph_, node)) return graph_.nodes.push_back(std::move(node));
    if (is_control_flow(node.domain, node.op)) {
      return unroll(
          graph_, node, [this](Node inner) { settle(std::move(inner)); }, observer_);
    }
    settle_training_mode(graph_, node);
    const OpDef* op = ops_.find(node.domain, node.op);
    if (op) observe_operands(node, *op);
    if (sequences_.replace(node)) return;
    if (op && expands(*op, node)) {
      for (Node& inner : expand_node(*op, graph_, node)) settle(std::move(inner));
      return;
    }
    inference_.infer(node);
    graph_.nodes.push_back(std::move(node));
  }

  void observe_operands(Node& node, const OpDef& op) {
    for (const int i : op.shape_operands) {
      const auto at = static_cast<size_t>(i);
      if (at < node.inputs.size())
        node.inputs[at] = observed(graph_, node, node.inputs[at], fmt::format("input {}", i), observer_);
    }
  }

  Graph& graph_;
  const OpRegistry& ops_;
  const Observer* observer_;
  NodeInference inference_;
  Sequences sequences_;
};

}  // namespace

void infer_values(Graph& graph, const OpRegistry& ops, Backend& folder, const Observer* observer) {
  Sweep(graph, ops, folder, observer).run();
  std::erase_if(graph.nodes, [](const Node& node) {
    return std::ranges::all_of(node.outputs, [](ValueId id) { return id == kNoValue; });
  });
}

}  // namespace onnxray
