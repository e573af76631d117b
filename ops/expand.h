#pragma once

#include "core/growth_budget.h"
#include "ops/op.h"

namespace onnxray {

/// What the expansion of a node sees: its operands with their shapes, and functions that add the nodes which
/// replace it. Added nodes are of ai.onnx in its opset 21 unless they name another domain.
class ExpandContext {
 public:
  ExpandContext(Graph& graph, const Node& node, int64_t since, GrowthBudget* growth = nullptr);

  const Node& node;
  const int64_t version;  ///< as LowerContext::version

  size_t input_count() const { return node.inputs.size(); }
  bool has(size_t i) const { return i < node.inputs.size() && node.inputs[i] != kNoValue; }
  /// Input i; Error(bad_file) where the node omits it.
  ValueId input(size_t i) const;
  /// Input i or kNoValue.
  ValueId optional(size_t i) const { return has(i) ? node.inputs[i] : kNoValue; }
  const Shape& shape(size_t i) const;
  /// Error(bad_file) where input i has no such axis.
  int64_t extent(size_t i, size_t axis) const { return extent_of(shape(i), axis, i); }
  DType dtype(size_t i) const;
  /// The elements of input i where they are known now.
  const Tensor* known(size_t i) const { return has(i) ? graph_.constant(node.inputs[i]) : nullptr; }
  bool wants(size_t i) const { return i < node.outputs.size() && node.outputs[i] != kNoValue; }

  /// Names of the nodes that follow: "<the node's name>/<part>".
  void set_part(std::string part) { part_ = std::move(part); }
  ValueId constant(Tensor value);
  ValueId ints(const std::vector<int64_t>& values);
  std::vector<ValueId> add(std::string op, std::vector<ValueId> inputs, size_t outputs,
                           Attributes attributes = {}, std::string domain = "");
  /// The same for a node of one output.
  ValueId add(std::string op, std::vector<ValueId> inputs, Attributes attributes = {},
              std::string domain = "") {
    return add(std::move(op), std::move(inputs), 1, std::move(attributes), std::move(domain))[0];
  }
  /// Says which value output i is.
  void set(size_t i, ValueId v);
  /// Adds a node in this one's place: it writes this one's outputs and keeps its name.
  void replace(std::string op, std::vector<ValueId> inputs, Attributes attributes = {});

  std::vector<Node> nodes;  ///< what was added, in order

 private:
  Graph& graph_;
  GrowthBudget* growth_;
  std::string part_;
};

/// The nodes that replace `node`, whose operands' shapes `graph` knows; their values are added to `graph`.
/// With a `growth` the nodes are spent from it.
std::vector<Node> expand_node(const OpDef& op, Graph& graph, const Node& node,
                              GrowthBudget* growth = nullptr);

/// Lowers what the node expands to.
void lower_expanded(LowerContext& context);

/// An operator that is an assembly of others in all its versions.
OpDef assembly(std::string domain, std::string name, std::vector<int> versions,
               void (*expand)(ExpandContext&), std::vector<int> shape_operands = {});

/// `op`, whose versions before `since` are written as nodes of today's by `expand`.
OpDef with_old_form(OpDef op, int since, void (*expand)(ExpandContext&));

}  // namespace onnxray
