#include "onnx/integral_doubles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

namespace onnxray {

namespace {

constexpr int64_t kOnnxInt64 = 7, kOnnxDouble = 11;

/// Results of integers are integers, by the same operator on i64.
bool keeps_integers(const Node& node) {
  static constexpr auto kOps = std::to_array<std::string_view>(
      {"Identity",  "Reshape",   "Transpose", "Squeeze", "Unsqueeze",     "Flatten",  "Expand",
       "Slice",     "Gather",    "Split",     "Concat",  "Tile",          "GatherND", "Where",
       "Add",       "Sub",       "Mul",       "Sum",     "Neg",           "Abs",      "Sign",
       "Floor",     "Ceil",      "Round",     "Relu",    "Max",           "Min",      "Mod",
       "ReduceSum", "ReduceMax", "ReduceMin", "CumSum",  "GatherElements"});
  if (!node.domain.empty()) return false;
  if (node.op == "Clip") return node.opset >= 11;  // before, its bounds are attributes
  return std::ranges::find(kOps, node.op) != kOps.end();
}

bool compares(const Node& node) {
  static constexpr auto kOps =
      std::to_array<std::string_view>({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"});
  return node.domain.empty() && std::ranges::find(kOps, node.op) != kOps.end();
}

bool is_cast(const Node& node) { return node.domain.empty() && node.op == "Cast"; }

/// Whether a double holds integers that it tells apart.
bool holds_integers(const Tensor& t) {
  constexpr double kLargest = 0x1p53;
  for (int64_t i = 0; i < t.size(); ++i) {
    const double v = t.as_double(i);
    if (!(std::abs(v) <= kLargest) || v != std::trunc(v)) return false;
  }
  return true;
}

class IntegerPaths {
 public:
  explicit IntegerPaths(Graph& graph)
      : graph_(graph), integral_(graph.values.size(), false), wanted_(graph.values.size(), false) {}

  void run() {
    for (size_t v = 0; v < graph_.values.size(); ++v) {
      const Value& value = graph_.values[v];
      integral_[v] = value.constant && value.dtype == DType::f64 && holds_integers(*value.constant);
    }
    for (const Node& node : graph_.nodes) find_integral(node);
    for (size_t n = graph_.nodes.size(); n-- > 0;) find_wanted(graph_.nodes[n]);
    if (std::ranges::find(wanted_, true) == wanted_.end()) return;
    exact_.assign(graph_.values.size(), kNoValue);
    std::vector<Node> nodes;
    std::swap(nodes, graph_.nodes);
    for (Node& node : nodes) rewrite(std::move(node));
    graph_.remove_dead_nodes();
  }

 private:
  static size_t index(ValueId id) { return static_cast<size_t>(id); }
  bool is_double(ValueId id) const { return id != kNoValue && graph_[id].dtype == DType::f64; }
  bool is_integer_type(ValueId id) const {
    return id != kNoValue && graph_[id].dtype && !is_floating(*graph_[id].dtype);
  }

  bool doubles_are_integral(const Node& node) const {
    return std::ranges::all_of(node.inputs,
                               [&](ValueId id) { return !is_double(id) || integral_[index(id)]; });
  }

  /// a / b that is only cut off behind the point afterwards.
  bool divides_to_integers(const Node& node) const {
    if (!node.domain.empty() || node.op != "Div" || !doubles_are_integral(node)) return false;
    return !graph_.is_graph_output(node.outputs[0]) &&
           std::ranges::all_of(graph_.nodes, [&](const Node& reader) {
             const bool reads = std::ranges::find(reader.inputs, node.outputs[0]) != reader.inputs.end();
             return !reads || (is_cast(reader) && is_integer_type(reader.outputs[0])) ||
                    (reader.domain.empty() && reader.op == "Floor");
           });
  }

  void find_integral(const Node& node) {
    const bool makes = (is_cast(node) && is_integer_type(node.inputs[0])) ||
                       (keeps_integers(node) && doubles_are_integral(node)) || divides_to_integers(node);
    for (const ValueId id : node.outputs) {
      if (is_double(id)) integral_[index(id)] = makes;
    }
  }

  /// Whether the node reads integral doubles as the integers that they are.
  bool asks_for_integers(const Node& node) const {
    if (is_cast(node))
      return is_double(node.inputs[0]) && is_integer_type(node.outputs[0]) && doubles_are_integral(node);
    return compares(node) && is_double(node.inputs[0]) && doubles_are_integral(node);
  }

  bool is_wanted(const Node& node) const {
    return std::ranges::any_of(node.outputs,
                               [&](ValueId id) { return id != kNoValue && wanted_[index(id)]; });
  }

  void find_wanted(const Node& node) {
    if (!asks_for_integers(node) && !is_wanted(node)) return;
    if (is_cast(node) && is_integer_type(node.inputs[0])) return;  // the way begins here
    for (const ValueId id : node.inputs) {
      if (is_double(id)) wanted_[index(id)] = true;
    }
  }

  /// The i64 in place of a wanted value.
  ValueId exact(ValueId id) {
    if (exact_[index(id)] != kNoValue) return exact_[index(id)];
    const std::string name = graph_[id].name + ":integers";
    const Tensor* constant = graph_.constant(id);
    const ValueId made =
        constant ? graph_.add_constant(name, constant->to(DType::i64)) : graph_.add_value(name);
    return exact_[index(id)] = made;
  }

  void rewrite(Node node) {
    const bool makes = is_wanted(node), asks = asks_for_integers(node);
    if (!makes && !asks) return graph_.nodes.push_back(std::move(node));
    for (ValueId& id : node.inputs) {
      if (is_double(id)) id = exact(id);
    }
    const std::vector<ValueId> results = node.outputs;
    if (makes) {
      if (is_cast(node)) node.attributes["to"] = kOnnxInt64;
      for (ValueId& id : node.outputs) {
        if (is_double(id)) id = exact(id);
      }
    }
    if (makes && node.op == "Floor" && divisor_.contains(node.inputs[0]))
      write_floored_quotient(node);
    else
      graph_.nodes.push_back(node);
    if (node.op == "Div" && makes) divisor_[node.outputs[0]] = node.inputs;
    if (makes) give_back(results);
  }

  // floor(a / b) = (a - a mod b) / b, where the remainder has b's sign
  void write_floored_quotient(const Node& floor) {
    const std::vector<ValueId>& operands = divisor_.at(floor.inputs[0]);
    const auto add = [&](const char* op, std::vector<ValueId> inputs, ValueId result) {
      Node node{.op = op,
                .opset = floor.opset,
                .domain = "",
                .attributes = {},
                .inputs = std::move(inputs),
                .outputs = {result},
                .origin = floor.origin};
      graph_.nodes.push_back(std::move(node));
      return result;
    };
    const std::string name = graph_[floor.outputs[0]].name;
    const ValueId rest = add("Mod", operands, graph_.add_value(name + ":remainder"));
    const ValueId whole = add("Sub", {operands[0], rest}, graph_.add_value(name + ":whole"));
    add("Div", {whole, operands[1]}, floor.outputs[0]);
  }

  /// The doubles themselves for who reads them otherwise.
  void give_back(const std::vector<ValueId>& results) {
    for (const ValueId id : results) {
      if (!is_double(id)) continue;
      Node cast{.op = "Cast",
                .opset = 13,
                .domain = "",
                .attributes = {{"to", kOnnxDouble}},
                .inputs = {exact(id)},
                .outputs = {id},
                .origin = {{graph_[id].name}, {}}};
      graph_.nodes.push_back(std::move(cast));
    }
  }

  Graph& graph_;
  std::vector<bool> integral_, wanted_;              // by value
  std::vector<ValueId> exact_;                       // by value, of the graph as it was
  std::map<ValueId, std::vector<ValueId>> divisor_;  // by exact quotient: its operands
};

}  // namespace

void keep_integers_exact(Graph& graph) { IntegerPaths(graph).run(); }

}  // namespace onnxray
