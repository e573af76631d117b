#pragma once

#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/graph.h"

namespace onnxray {

/// Lists of tensors, known by what they hold while a graph is inferred: nodes that make and read them give
/// way to nodes over their tensors.
class Sequences {
 public:
  Sequences(Graph& graph, std::function<void(Node)> settle) : graph_(graph), settle_(std::move(settle)) {}

  /// Whether `node` makes or reads a sequence; then what it stands for has been settled.
  /// Error(unsupported) where an operator of tensors is given one.
  bool replace(const Node& node);
  /// Error(unsupported) where an output of the graph is a sequence.
  void check_outputs() const;

 private:
  using Held = std::vector<ValueId>;
  const Held& held(const Node& node, size_t i) const;
  /// An operand that says where: counted from the end where negative, at most `end`.
  size_t position(const Node& node, size_t i, size_t end) const;
  ValueId add(const Node& of, std::string op, std::vector<ValueId> inputs, Attributes attributes = {});
  ValueId ints(const std::vector<int64_t>& values);
  void set(const Node& node, ValueId v);

  void make(const Node& node);
  void read(const Node& node);
  void split(const Node& node);
  void concat(const Node& node);

  Graph& graph_;
  std::function<void(Node)> settle_;
  std::unordered_map<ValueId, Held> held_;
};

bool is_sequence_op(std::string_view domain, std::string_view op);

}  // namespace onnxray
