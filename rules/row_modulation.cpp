#include "rules/row_modulation.h"

#include <algorithm>

namespace onnxray {

namespace {

size_t at(ValueId id) { return static_cast<size_t>(id); }

}  // namespace

std::vector<bool> moving_values(const Graph& graph) {
  std::vector<bool> moving(graph.values.size(), false);
  for (const InputInfo& input : graph.inputs) moving[at(input.value)] = !graph.constant(input.value);
  for (const Node& node : graph.nodes) {
    const bool moves =
        std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kNoValue && moving[at(id)]; });
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) moving[at(id)] = moves;
    }
  }
  return moving;
}

bool is_gather_of_constant(const Graph& graph, const Node& node) {
  return node.domain.empty() && node.op == "Gather" && graph.constant(node.inputs[0]) != nullptr;
}

RowModulation::RowModulation(const Graph& graph, const OpRegistry& ops, const std::vector<bool>& moving)
    : graph_(graph),
      ops_(ops),
      moving_(moving),
      producers_(graph.producers()),
      readers_(graph.values.size()) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) readers_[at(id)].push_back(n);
    }
  }
}

bool RowModulation::operator()(ValueId rows, int64_t width) const {
  std::set<ValueId> moved{rows};
  std::set<size_t> products;
  std::vector<ValueId> open{rows};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    for (const size_t n : readers_[at(id)]) {
      const Node& node = graph_.nodes[n];
      if (is_product(node)) products.insert(n);
      if (!only_moves(node)) continue;
      for (const ValueId out : node.outputs) {
        if (out != kNoValue && moved.insert(out).second) open.push_back(out);
      }
    }
  }
  return std::ranges::any_of(
      products, [&](size_t n) { return meets_activations(graph_.nodes[n], rows, moved, width); });
}

RelevanceClass RowModulation::relevance(const Node& node) const {
  const OpDef* op = ops_.find(node.domain, node.op);
  return op ? op->relevance : RelevanceClass::none;
}

bool RowModulation::is_product(const Node& node) const {
  const RelevanceClass r = relevance(node);
  return r == RelevanceClass::bilinear || r == RelevanceClass::linear || node.op == "RotaryEmbedding";
}

bool RowModulation::meets_activations(const Node& product, ValueId rows, const std::set<ValueId>& moved,
                                      int64_t width) const {
  const auto count = [&](ValueId id) { return element_count(*graph_[id].shape); };
  int64_t own = 0;
  for (const ValueId id : product.inputs) {
    if (moved.contains(id)) own = std::max(own, count(id));
  }
  return std::ranges::any_of(product.inputs, [&](ValueId id) {
    return id != kNoValue && moving_[at(id)] && !moved.contains(id) && count(id) * width > own &&
           is_other_activation(id, rows);
  });
}

/// An activation that the rows have no part in, and that is more than rows of other tables.
bool RowModulation::is_other_activation(ValueId value, ValueId rows) const {
  bool only_rows = true;
  std::set<ValueId> seen{value};
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == rows) return false;
    const int32_t p = producers_[at(id)];
    if (p < 0) {
      only_rows = only_rows && !moving_[at(id)];
      continue;
    }
    const Node& node = graph_.nodes[static_cast<size_t>(p)];
    if (only_rows && is_gather_of_constant(graph_, node)) continue;
    only_rows = only_rows && only_moves(node);
    for (const ValueId in : node.inputs) {
      if (in != kNoValue && seen.insert(in).second) open.push_back(in);
    }
  }
  return !only_rows;
}

}  // namespace onnxray
