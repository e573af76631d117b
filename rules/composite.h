#pragma once

#include <optional>
#include <vector>

#include "rules/rule_spec.h"

namespace onnxray {

/// Which nodes an entry of a composite is for. Empty conditions hold for every node; all given ones must
/// hold.
struct Matcher {
  /// In data flow, among the nodes that the other conditions hold for: none of them before it, or none after
  /// it.
  enum class Position : uint8_t { any, first, last };

  std::optional<RelevanceClass> relevance = {};  ///< the class of the node, after looking at its operands
  std::vector<std::string> ops = {};             ///< ONNX operator names
  std::string name = {};                         ///< glob over the node's names and its torch module paths
  Position position = Position::any;
  std::optional<int64_t> until = {};  ///< the first linear nodes, counted from 0, this one included
  bool input_layer = false;           ///< linear nodes that see the model's input (docs/conventions.md)

  bool operator==(const Matcher&) const = default;
};

struct CompositeEntry {
  Matcher match;
  RuleSpec rule;
  bool operator==(const CompositeEntry&) const = default;
};

/// Rules as data: for each node the first entry that matches. A node without one gets the default rule of its
/// class.
struct Composite {
  std::string name;
  std::vector<CompositeEntry> entries;
  bool operator==(const Composite&) const = default;
};

/// The rule of every node of a specialised graph under a composite.
class RuleAssignment {
 public:
  /// Throws Error(unsupported) where an entry for the input layer matches no node.
  RuleAssignment(const Graph& graph, const OpRegistry& ops, const Composite& composite,
                 const Conventions& conventions = {});

  /// Null where the node keeps its VJP.
  const Rule* operator()(int32_t node) const { return rules_[static_cast<size_t>(node)].get(); }
  /// "epsilon(0.1)", "vjp", or "-" where no relevance passes.
  std::string name_of(int32_t node) const;

 private:
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<bool> carries_;  // whether the node depends on a floating input at all
};

}  // namespace onnxray
