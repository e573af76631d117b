#include "onnx/infer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/cost.h"
#include "core/fail.h"
#include "core/rethrow.h"
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
constexpr int64_t kMaxExpansion = int64_t{8} << 20;

int64_t bytes_of(const Program& program, Var v) {
  return element_count(program[v].shape) * size_of(program[v].dtype);
}

/// Infers one node. What is known before running is computed at once, but for large results of small
/// operands: these stay nodes, and what comes of them too, unless a shape or a branch needs it.
class NodeInference {
 public:
  NodeInference(Graph& graph, const OpRegistry& ops, Backend& folder, GrowthBudget& budget)
      : graph_(graph), ops_(ops), folder_(folder), budget_(budget) {}

  void infer(Node& node) {
    Program program;
    Builder builder(program, &budget_);
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
    if (!known || !fold(node, program, outputs)) note_late(node, program);
  }

  /// `id`, or a constant of what it is known to be.
  ValueId forced(const Node& node, ValueId id) {
    if (id == kNoValue || !late_.contains(id)) return id;
    const Value& value = graph_[id];
    budget_.spend(element_count(value.shape.value()), size_of(value.dtype.value()),
                  fmt::format("{}: its input '{}'", node.describe(), value.name));
    return graph_.add_constant(value.name, value_in(graph_, id, ops_, folder_, {}));
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

  /// Whether a node's results are computed late: none of its operands depends on an input. Their arithmetic
  /// counts all the same.
  void note_late(const Node& node, const Program& program) {
    const auto is_known = [&](ValueId id) {
      return id == kNoValue || graph_.constant(id) || late_.contains(id);
    };
    if (!std::ranges::all_of(node.inputs, is_known)) return;
    budget_.spend_flops(flops_of(program), described(node));
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) late_.insert(id);
    }
  }

  static std::string described(const Node& node) {
    return node.describe() + ", which is known before running,";
  }

  double flops_of(const Program& program) const {
    double flops = 0;
    for (const Step& step : program.steps) flops += cost_of(program, step, folder_.plan_options()).flops;
    return flops;
  }

  /// Spends what running the program takes: its results, the largest thing on the way, its arithmetic.
  void spend(const Node& node, const Program& program, int64_t bytes) {
    const std::string what = described(node);
    int64_t largest = 0;
    for (const Step& step : program.steps) {
      for (const Var v : step.outputs) largest = std::max(largest, bytes_of(program, v));
    }
    budget_.expect(static_cast<double>(bytes) + static_cast<double>(largest), 1, what);
    budget_.spend(bytes, 1, what);
    budget_.spend_flops(flops_of(program), what);
  }

  bool fold(Node& node, Program& program, const std::vector<Var>& outputs) {
    std::vector<size_t> wanted;
    int64_t bytes = 0, input_bytes = 0;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      wanted.push_back(i);
      program.outputs.push_back({graph_[node.outputs[i]].name, outputs[i]});
      bytes += bytes_of(program, outputs[i]);
    }
    for (const ValueId id : node.inputs) {
      if (const Tensor* t = graph_.constant(id)) input_bytes += t->byte_size();
    }
    if (wanted.empty()) return true;
    if (bytes > kMaxExpansion && bytes > input_bytes) return false;
    spend(node, program, bytes);
    std::vector<Tensor> results = evaluate(std::move(program), folder_);
    for (size_t k = 0; k < wanted.size(); ++k) settle(node, wanted[k], std::move(results[k]));
    return true;
  }

  Graph& graph_;
  const OpRegistry& ops_;
  Backend& folder_;
  GrowthBudget& budget_;
  std::unordered_set<ValueId> late_;
};

bool lacks_shape(const Graph& graph, const Node& node) {
  return std::ranges::any_of(
      node.outputs, [&](ValueId id) { return id != kNoValue && !(graph[id].shape && graph[id].dtype); });
}

/// Infers nodes one after the other; control flow and assemblies give way to the nodes that they stand for.
class Sweep {
 public:
  Sweep(Graph& graph, const OpRegistry& ops, Backend& folder, GrowthBudget& budget, const Observer* observer)
      : graph_(graph),
        ops_(ops),
        budget_(budget),
        observer_(observer),
        inference_(graph, ops, folder, budget),
        sequences_(graph, [this](Node inner) { settle(std::move(inner)); }) {}

  void run() {
    std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    graph_.nodes.reserve(nodes.size());
    for (Node& node : nodes) settle(std::move(node));
    sequences_.check_outputs();
  }

 private:
  /// Nodes within nodes have said where it went wrong.
  void settle(Node node) {
    try {
      settle_node(node);
    } catch (const Error&) {
      throw;
    } catch (...) {
      rethrow_as_error(node.describe());
    }
  }

  void settle_node(Node& node) {
    if (!lacks_shape(graph_, node)) return graph_.nodes.push_back(std::move(node));
    if (is_control_flow(node.domain, node.op)) {
      force_numbers(node);
      return unroll(
          graph_, node, [this](Node inner) { settle(std::move(inner)); }, budget_, observer_);
    }
    settle_training_mode(graph_, node);
    const OpDef* op = ops_.find(node.domain, node.op);
    if (op) observe_operands(node, *op);
    if (is_sequence_op(node.domain, node.op)) force_numbers(node);
    if (sequences_.replace(node)) return;
    if (op && expands(*op, node)) {
      for (Node& inner : expand_node(*op, graph_, node, &budget_)) settle(std::move(inner));
      return;
    }
    inference_.infer(node);
    graph_.nodes.push_back(std::move(node));
  }

  void observe_operands(Node& node, const OpDef& op) {
    for (const int i : op.shape_operands) {
      const auto at = static_cast<size_t>(i);
      if (at >= node.inputs.size()) continue;
      node.inputs[at] = inference_.forced(node, node.inputs[at]);
      node.inputs[at] = observed(graph_, node, node.inputs[at], fmt::format("input {}", i), observer_);
    }
  }

  /// Conditions, numbers of trips, positions.
  void force_numbers(Node& node) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue && graph_[id].shape && element_count(*graph_[id].shape) == 1)
        id = inference_.forced(node, id);
    }
  }

  Graph& graph_;
  const OpRegistry& ops_;
  GrowthBudget& budget_;
  const Observer* observer_;
  NodeInference inference_;
  Sequences sequences_;
};

}  // namespace

void infer_values(Graph& graph, const OpRegistry& ops, Backend& folder, GrowthBudget& budget,
                  const Observer* observer) {
  Sweep(graph, ops, folder, budget, observer).run();
  std::erase_if(graph.nodes, [](const Node& node) {
    return std::ranges::all_of(node.outputs, [](ValueId id) { return id == kNoValue; });
  });
}

}  // namespace onnxray
