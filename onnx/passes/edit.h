#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "core/graph.h"

namespace onnxray {

/// Appends the names and scopes of `from` that `into` does not have yet.
void merge_origin(Origin& into, const Origin& from);

/// A graph in the middle of a pass: producers and use counts at hand, replacements collected and applied in
/// one sweep, so that a pass over n nodes takes O(n). While one is alive, Graph::nodes must not grow or
/// shrink.
///
/// Most passes rewrite the last node of a pattern in place: its output keeps its id, name and readers, and
/// the other nodes of the pattern die when nothing reads them any more.
class GraphEdit {
 public:
  explicit GraphEdit(Graph& graph);

  Graph& graph;

  /// The node that writes `id`; null for inputs and constants.
  Node* producer(ValueId id) const;
  /// Likewise, null unless it is `op` of the default domain.
  Node* producer(ValueId id, std::string_view op) const;
  /// Whether `id`, which a node of the pattern reads, is read by nothing else.
  bool used_once(ValueId id) const { return uses_[static_cast<size_t>(id)] == 1; }
  int64_t uses(ValueId id) const { return uses_[static_cast<size_t>(id)]; }
  bool unused(ValueId id) const { return uses_[static_cast<size_t>(id)] == 0; }

  /// Makes the node's inputs name the values that replaced them. Call on each node that a sweep reaches.
  void refresh(Node& node) const;

  /// Takes `node`, whose first output equals the value `x`, out of the graph. False where it must stay: a
  /// graph output that is a graph input, a constant or another output under a second name.
  bool bypass(Node& node, ValueId x);

  /// Replaces `node` by `op` over `inputs`, keeping its first output. Nodes that nothing reads any more pass
  /// their origins on to it.
  void rewrite(Node& node, std::string_view op, int64_t opset, std::vector<ValueId> inputs,
               Attributes attributes);

  /// Replaces input `i` of `node`.
  void set_input(Node& node, size_t i, ValueId id);

  ValueId add_value(std::string name, DType dtype, Shape shape);
  ValueId add_constant(std::string name, Tensor value);
  /// Adds a node directly after `anchor`, a node of the graph.
  Node& insert_after(const Node& anchor, Node node);

  /// Tells that `node` now writes `id`.
  void set_producer(ValueId id, Node& node) { producers_[static_cast<size_t>(id)] = &node; }

  /// Call when the pass edited the graph by other means.
  void mark_changed() { changed_ = true; }
  /// Carries out what was collected. Returns whether anything changed. Call once, at the end.
  bool apply();

 private:
  ValueId current(ValueId id) const;
  void release(ValueId id, Origin& heir);
  void grow();

  std::vector<Node*> producers_;    // by value
  std::vector<int32_t> uses_;       // by value; never below the true count
  std::vector<ValueId> forwarded_;  // by value: what replaced it, or itself
  std::deque<Node> inserted_;
  std::vector<size_t> insert_index_;  // for each inserted node, the node of the graph that it follows
  bool changed_ = false;
};

}  // namespace onnxray
