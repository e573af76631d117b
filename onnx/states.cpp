#include "onnx/states.h"

#include <algorithm>

namespace onnxray {

namespace {

/// Operands [first, end) of an operator are initial states.
struct States {
  size_t first = 0, end = 0;
};

States states_of(const Node& node) {
  if (node.is_one_of({"RNN", "GRU"})) return {5, 6};
  if (node.is_one_of({"LSTM", "DynamicQuantizeLSTM"})) return {5, 7};
  // What a loop carries is behind its trip count and condition; a Scan's scanned inputs are its last ones.
  if (node.op == "Loop") return {2, body_attribute(node, "body").operands};
  if (node.op == "Scan") {
    const auto scanned = static_cast<size_t>(int_attribute(node, "num_scan_inputs", 0));
    const size_t operands = body_attribute(node, "body").operands;
    const size_t first = node.opset < 9 ? 1 : 0;  // the oldest has sequence lengths in front
    return {first, operands - std::min(operands, scanned)};
  }
  return {};
}

class Finder {
 public:
  Finder(const Graph& graph, const OpRegistry& ops) : graph_(graph), ops_(ops) {}

  bool only_starts(ValueId value) const {
    if (graph_.is_graph_output(value)) return false;
    bool any = false;
    for (const Node& node : graph_.nodes) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] != value) continue;
        any = true;
        if (!starts(node, i)) return false;
      }
    }
    return any;
  }

 private:
  bool starts(const Node& node, size_t operand) const {
    const States states = states_of(node);
    if (operand >= states.first && operand < states.end) return true;
    const OpDef* op = ops_.find(node.domain, node.op);
    const bool moves = op && op->relevance == RelevanceClass::routing && operand == 0;
    return moves &&
           std::ranges::all_of(node.outputs, [&](ValueId id) { return id == kNoValue || only_starts(id); });
  }

  const Graph& graph_;
  const OpRegistry& ops_;
};

}  // namespace

std::vector<ValueId> state_inputs(const Graph& graph, const OpRegistry& ops) {
  std::vector<ValueId> states;
  for (const InputInfo& input : graph.inputs) {
    const auto dtype = graph[input.value].dtype;
    if (dtype && is_floating(*dtype) && Finder(graph, ops).only_starts(input.value))
      states.push_back(input.value);
  }
  if (states.size() == graph.inputs.size()) states.clear();
  return states;
}

}  // namespace onnxray
