#pragma once

#include <set>

#include "ops/op.h"

namespace onnxray {

/// Values that depend on the graph's inputs.
std::vector<bool> moving_values(const Graph& graph);

/// Whether a node picks from a constant along one axis.
bool is_gather_of_constant(const Graph& graph, const Node& node);

/// Whether rows of a table, moved and cast, meet activations in a product: one number or more of another
/// source for each of a row's, as where rotary positions turn queries. A mask has one for a whole row, and
/// rows of another table are no activations.
class RowModulation {
 public:
  /// `moving`: moving_values(graph). All must outlive this.
  RowModulation(const Graph& graph, const OpRegistry& ops, const std::vector<bool>& moving);

  /// `width`: numbers of a row.
  bool operator()(ValueId rows, int64_t width) const;

 private:
  RelevanceClass relevance(const Node& node) const;
  bool is_product(const Node& node) const;
  bool only_moves(const Node& node) const { return relevance(node) == RelevanceClass::routing; }
  bool meets_activations(const Node& product, ValueId rows, const std::set<ValueId>& moved,
                         int64_t width) const;
  bool is_other_activation(ValueId value, ValueId rows) const;

  const Graph& graph_;
  const OpRegistry& ops_;
  const std::vector<bool>& moving_;
  std::vector<int32_t> producers_;
  std::vector<std::vector<size_t>> readers_;  // by value
};

}  // namespace onnxray
