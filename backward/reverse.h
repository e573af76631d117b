#pragma once

#include <functional>
#include <map>

#include "backward/rule.h"
#include "core/samples.h"

namespace onnxray {

/// The rule of each node by index; null means the node's VJP.
using RulePicker = std::function<const Rule*(int32_t node)>;

/// Walks a lowered graph backwards and emits steps that carry cotangents from seeds to chosen variables.
/// Fan-out sums. Nodes that no chosen variable can reach cost nothing.
class ReverseWalk {
 public:
  ReverseWalk(const Graph& graph, const Forward& forward, Builder& builder, RulePicker rules);

  /// Adds `cotangent` to what arrives at `v`.
  void seed(Var v, Var cotangent);
  /// The cotangents that arrive at `wrt`; unset where none does.
  std::vector<Var> run(std::span<const Var> wrt);

  /// Called before each node that something arrived at, with what arrived at each output; for reports.
  std::function<void(int32_t node, std::span<const Var>)> on_node;
  /// Called after each node that a rule treated. Setting it makes rules keep books.
  std::function<void(int32_t node, const Ledger&)> on_ledger;
  /// Where the graph's values hold the samples, for rules that ask; null: on the first axis.
  const Samples* samples = nullptr;

 private:
  friend class NodeContext;

  void find_needed(std::span<const Var> wrt);
  bool needed(Var v) const {
    return static_cast<size_t>(v.id) < needed_.size() && needed_[static_cast<size_t>(v.id)];
  }
  bool may_be_infinite(Var v) const {
    return static_cast<size_t>(v.id) < infinite_.size() && infinite_[static_cast<size_t>(v.id)];
  }
  Var peek(Var v) const;
  Var take(Var v);
  void walk_node(int32_t index);
  void walk_steps(Forward::Range range);

  const Graph& graph_;
  const Forward& forward_;
  Builder& b_;
  RulePicker rules_;
  Ledger ledger_;                      // of the node that is being treated
  std::vector<bool> needed_;           // by variable of the forward pass
  std::vector<bool> infinite_;         // likewise: finiteness.h
  std::map<int32_t, Var> cotangents_;  // by variable
  std::map<int32_t, Var> arrived_;     // of `wrt`, at the moment their producer took them
};

}  // namespace onnxray
