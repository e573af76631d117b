#include "rules/match.h"

#include <algorithm>

#include "rules/classify.h"

namespace onnxray {

namespace {

bool contains(std::initializer_list<std::string_view> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// How surely an operator makes a gate: 2 where its results lie in [0, 1], 1 where they are only bounded.
int strength_of(const std::string& op) {
  if (contains({"Sigmoid", "HardSigmoid", "Softmax"}, op)) return 2;
  return contains({"Tanh", "Clip"}, op) ? 1 : 0;
}

/// Activations that are a product with a gate themselves; the gated units of language models end in one.
bool is_self_gated(const std::string& op) {
  return contains({"Swish", "Gelu", "HardSwish", "Mish", "Relu"}, op);
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches_glob(pattern.substr(1), text) || (!text.empty() && matches_glob(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches_glob(pattern.substr(1), text.substr(1));
}

NodeMatcher::NodeMatcher(const Graph& graph, const OpRegistry& ops)
    : graph_(graph),
      dependent_(data_dependent(graph, ops)),
      input_layer_(find_input_layer(graph, ops, dependent_)),
      producers_(graph.producers()) {
  int64_t linear = 0;
  for (const Node& node : graph.nodes) {
    relevance_.push_back(classify(graph, node, ops, dependent_));
    grid_.push_back(is_grid(ops, node));
    linear_index_.push_back(linear);
    linear += relevance_.back() == RelevanceClass::linear ? 1 : 0;
  }
}

bool NodeMatcher::has_input_layer() const {
  return std::ranges::find(input_layer_, true) != input_layer_.end();
}

bool NodeMatcher::holds(const Matcher& match, size_t n) const {
  const Node& node = graph_.nodes[n];
  if (relevance_[n] == RelevanceClass::none) return false;
  if (match.input_layer && !input_layer_[n]) return false;
  if (match.relevance && *match.relevance != relevance_[n]) return false;
  if (match.until && (relevance_[n] != RelevanceClass::linear || linear_index_[n] > *match.until))
    return false;
  if (!match.ops.empty() && std::ranges::find(match.ops, node.op) == match.ops.end()) return false;
  const auto named = [&](const std::string& name) { return matches_glob(match.name, name); };
  return match.name.empty() || std::ranges::any_of(node.origin.names, named) ||
         std::ranges::any_of(node.origin.scopes, named);
}

std::vector<bool> NodeMatcher::matches(const Matcher& match) const {
  std::vector<bool> matched(graph_.nodes.size());
  for (size_t n = 0; n < matched.size(); ++n) matched[n] = holds(match, n);
  keep_position(match.position, matched);
  return matched;
}

void NodeMatcher::keep_position(Matcher::Position position, std::vector<bool>& matched) const {
  if (position == Matcher::Position::any) return;
  const std::vector<bool> candidates = matched;
  std::vector<bool> reached(graph_.values.size(),
                            false);  // whether a candidate is on a path to, or from, the value
  const bool forward = position == Matcher::Position::first;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const size_t n = forward ? i : candidates.size() - 1 - i;
    const Node& node = graph_.nodes[n];
    const auto& from = forward ? node.inputs : node.outputs;
    const bool met = std::ranges::any_of(
        from, [&](ValueId id) { return id != kNoValue && reached[static_cast<size_t>(id)]; });
    if (met) matched[n] = false;
    for (const ValueId id : forward ? node.outputs : node.inputs) {
      if (id != kNoValue && (met || candidates[n])) reached[static_cast<size_t>(id)] = true;
    }
  }
}

/// How surely the value is a gate; it may be moved, masked or scaled by a constant before it is applied.
int NodeMatcher::gate_strength(ValueId id, Gates gates) const {
  for (int32_t p = producers_[static_cast<size_t>(id)]; p >= 0; p = producers_[static_cast<size_t>(id)]) {
    const Node& producer = graph_.nodes[static_cast<size_t>(p)];
    const bool carries = dependent_[static_cast<size_t>(id)];
    if (!carries && relevance_[static_cast<size_t>(p)] == RelevanceClass::none) return 3;  // a grid's step
    if (const int found = strength_of(producer.op)) return found;
    if (gates == Gates::all && is_self_gated(producer.op)) return 1;
    const bool scaled = (producer.op == "Mul" || producer.op == "Div") &&
                        relevance_[static_cast<size_t>(p)] == RelevanceClass::activation;
    const bool moved = contains({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Expand",
                                 "Identity", "Cast", "Split", "Slice", "Concat", "Tile", "Dropout", "Where"},
                                producer.op);
    if (!scaled && !moved && !grid_[static_cast<size_t>(p)]) return 0;
    const auto data = std::ranges::find_if(
        producer.inputs, [&](ValueId v) { return v != kNoValue && dependent_[static_cast<size_t>(v)]; });
    if (data == producer.inputs.end()) return 0;
    id = *data;
  }
  return 0;
}

std::optional<size_t> NodeMatcher::gated_signal(size_t n, Gates gates) const {
  const Node& node = graph_.nodes[n];
  const bool matrix = contains({"MatMul", "Gemm", "Einsum"}, node.op) && gates == Gates::all;
  if ((node.op != "Mul" && !matrix) || node.inputs.size() != 2) return std::nullopt;
  // An unrolled recurrent node says it itself; its gates take nothing even from a constant state.
  if (has_attribute(node, "signal")) return static_cast<size_t>(int_attribute(node, "signal", 0));
  if (relevance_[n] != RelevanceClass::bilinear) return std::nullopt;
  if (matrix) gates = Gates::bounded;
  const int left = gate_strength(node.inputs[0], gates), right = gate_strength(node.inputs[1], gates);
  // A matrix product weighs its rows only where the weights lie in [0, 1].
  if (left == right || (matrix && std::max(left, right) < 2)) return std::nullopt;
  return left > right ? 1 : 0;
}

}  // namespace onnxray
