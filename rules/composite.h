#pragma once

#include <optional>
#include <vector>

#include "rules/rule_spec.h"

namespace onnxray {

/// Which nodes an entry of a composite is for. Empty conditions hold for every node; all given ones must hold.
struct Matcher {
  std::optional<RelevanceClass> relevance;  ///< the class of the node, after looking at its operands
  std::vector<std::string> ops;             ///< ONNX operator names
  bool input_layer = false;                 ///< linear nodes that see the model's input (docs/conventions.md)
};

struct CompositeEntry {
  Matcher match;
  RuleSpec rule;
};

/// Rules as data: for each node the first entry that matches. A node without one gets the default rule of its class.
struct Composite {
  std::string name;
  std::vector<CompositeEntry> entries;
};

/// The rule of every node of a specialised graph under a composite.
class RuleAssignment {
 public:
  /// Throws Error(unsupported) where an entry for the input layer matches no node.
  RuleAssignment(const Graph& graph, const OpRegistry& ops, const Composite& composite);

  /// Null where the node keeps its VJP.
  const Rule* operator()(int32_t node) const { return rules_[static_cast<size_t>(node)].get(); }
  /// "epsilon(0.1)", "vjp", or "-" where no relevance passes.
  std::string name_of(int32_t node) const;

 private:
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<bool> carries_;  // whether the node depends on a floating input at all
};

}  // namespace onnxray
