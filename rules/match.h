#pragma once

#include "rules/composite.h"

namespace onnxray {

/// "layer1.*.conv?": '*' stands for any text, '?' for one character.
bool matches_glob(std::string_view pattern, std::string_view text);

/// Matches the nodes of one graph.
class NodeMatcher {
 public:
  NodeMatcher(const Graph& graph, const OpRegistry& ops);

  /// By node.
  std::vector<bool> matches(const Matcher& match) const;
  RelevanceClass relevance(size_t node) const { return relevance_[node]; }
  bool has_input_layer() const;
  /// Which products of two activations count as a signal times a gate.
  enum class Gates : uint8_t {
    bounded,  ///< Mul by what is bounded: Sigmoid, HardSigmoid, Softmax, Tanh, Clip
    all,      ///< also Mul by Swish, Gelu and kin, and a matrix product with attention weights
  };
  /// The input that carries the signal of such a product.
  std::optional<size_t> gated_signal(size_t node, Gates gates = Gates::bounded) const;

 private:
  bool holds(const Matcher& match, size_t node) const;
  void keep_position(Matcher::Position position, std::vector<bool>& matched) const;
  int gate_strength(ValueId id, Gates gates) const;

  const Graph& graph_;
  std::vector<bool> dependent_, input_layer_;
  std::vector<bool> grid_;  // by node: part of a quantisation grid
  std::vector<RelevanceClass> relevance_;
  std::vector<int64_t> linear_index_;  // how many linear nodes come before each node
  std::vector<int32_t> producers_;
};

}  // namespace onnxray
