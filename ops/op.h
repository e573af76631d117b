#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/builder.h"
#include "core/graph.h"

namespace onnxray {

class LowerContext;
class ExpandContext;

/// The extent of `axis` of input `i`, whose shape is `shape`; Error(bad_file) where it has no such axis.
int64_t extent_of(const Shape& shape, size_t axis, size_t i);

/// How relevance passes an operator (docs/operators.md). The rules layer has one default rule per class.
enum class RelevanceClass : uint8_t {
  linear,      ///< Conv, Gemm, MatMul with a constant: a linear rule
  sum,         ///< Add, pooling, ReduceMean: shares in proportion to the contributions
  bilinear,    ///< MatMul, Mul of two activations
  activation,  ///< passes relevance unchanged; guided methods may override its gradient
  routing,     ///< Reshape, Slice, MaxPool, ...: the exact adjoint moves relevance
  affine,      ///< BatchNormalization, Mul/Add by constants: has its own switch
  normaliser,  ///< LayerNormalization and kin: the statistics are constants
  softmax,     ///< attention weights
  none,        ///< integer, boolean or constant results: no relevance
};

/// An operator. Its lowering is its whole definition: shapes, types and constants fall out of it.
struct OpDef {
  std::string domain;  ///< "" is ai.onnx; "onnxray" holds operators that passes re-fuse
  std::string name;
  std::vector<int> versions;  ///< the since-versions that the lowering handles, ascending
  void (*lower)(LowerContext&);
  RelevanceClass relevance = RelevanceClass::none;
  /// Inputs whose values must be known before shapes are: shape operands, axes, repeats, pads.
  std::vector<int> shape_operands = {};
  /// Set where the operator is an assembly of others (an LSTM, a fused node): the graph gets those in its
  /// place, so that each has its own rule. `lower` is then lower_expanded (ops/expand.h).
  void (*expand)(ExpandContext&) = nullptr;
  /// Only the versions before this one expand, into the operator's form of today: no pass, rule or lowering
  /// has to know what an old version meant otherwise.
  int expand_before = std::numeric_limits<int>::max();
  /// The gradient goes from the first output to the first input unchanged: rounding to a grid.
  bool straight_through = false;
  /// Of routing operators: under some attributes it adds what it moves. Its steps tell (rules/adds.h).
  bool may_add = false;
  /// Inputs that say where another input is read: they carry no relevance.
  std::vector<int> places = {};
  /// Part of a quantisation grid: the result is the first input, but for what integers cannot tell apart. The
  /// explainer looks through it, as it does through Identity.
  bool is_grid = false;

  /// Whether every version expands.
  bool is_assembly() const { return expand != nullptr && expand_before > versions.back(); }
};

/// A routing operator that adds what it moves under some of its attributes.
inline OpDef may_add(OpDef op, std::vector<int> places = {}) {
  op.may_add = true;
  op.places = std::move(places);
  return op;
}

/// The newest opset of ai.onnx whose since-versions OpDef::versions knows: up to it, an operator that is
/// listed is read as its own version says.
constexpr int64_t kNewestOpset = 28;

/// The operators a session knows. A plain value: start from `builtin()` and add your own.
class OpRegistry {
 public:
  static const OpRegistry& builtin();
  void add(OpDef op) { ops_.push_back(std::move(op)); }
  const OpDef* find(std::string_view domain, std::string_view name) const;
  std::span<const OpDef> all() const { return ops_; }

 private:
  std::vector<OpDef> ops_;
};

/// What a lowering function sees of its node: operands as variables of the program under construction.
class LowerContext {
 public:
  LowerContext(const Node& node, Builder& builder, std::vector<Var> inputs, int64_t version);

  const Node& node;
  Builder& b;
  /// The since-version of the operator that holds for this node: the newest in OpDef::versions that is <=
  /// node.opset.
  const int64_t version;

  size_t input_count() const { return inputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && static_cast<bool>(inputs_[i]); }
  /// Input i; Error(bad_file) where the node omits it.
  Var input(size_t i) const;
  /// Input i, or an unset Var.
  Var optional(size_t i) const { return has(i) ? inputs_[i] : Var{}; }
  const Shape& shape(size_t i) const { return b.shape(input(i)); }
  /// Error(bad_file) where input i has no such axis.
  int64_t extent(size_t i, size_t axis) const { return extent_of(shape(i), axis, i); }
  /// The elements of input i, which must be known now: Error(unsupported) that names the operand where they
  /// are not.
  const Tensor& constant(size_t i, std::string_view what) const;
  std::vector<int64_t> int_constants(size_t i, std::string_view what, const Bounds& bounds = kExtent) const;
  /// Error(bad_file) unless operand i, which is `what`, is one number.
  int64_t int_constant(size_t i, std::string_view what, const Bounds& bounds = kExtent) const;
  double real_constant(size_t i, std::string_view what) const;

  size_t output_count() const { return node.outputs.size(); }
  bool wants(size_t i) const { return i < node.outputs.size() && node.outputs[i] != kNoValue; }
  void set(size_t i, Var v);
  const std::vector<Var>& outputs() const { return outputs_; }

  // Attributes of the node, with the type checked.
  int64_t int_attr(std::string_view name, int64_t fallback, const Bounds& bounds = kSetting) const {
    return int_attribute(node, name, fallback, bounds);
  }
  double float_attr(std::string_view name, double fallback) const {
    return float_attribute(node, name, fallback);
  }
  std::string string_attr(std::string_view name, std::string_view fallback) const {
    return string_attribute(node, name, fallback);
  }
  std::vector<int64_t> ints_attr(std::string_view name, const Bounds& bounds = kSetting) const {
    return ints_attribute(node, name, bounds);
  }
  bool has_attr(std::string_view name) const { return has_attribute(node, name); }

 private:
  std::vector<Var> inputs_;
  std::vector<Var> outputs_;
};

/// The since-version of `op` that holds for `node`.
int64_t effective_version(const OpDef& op, const Node& node);

/// Whether other nodes stand for `node`: OpDef::expand holds for its version.
bool expands(const OpDef& op, const Node& node);
/// Whether `node` is part of a quantisation grid (OpDef::is_grid).
bool is_grid(const OpRegistry& ops, const Node& node);

/// Lowers one node: emits its steps through `builder` and returns its outputs' variables. Errors gain the
/// node's description.
std::vector<Var> lower_node(const OpRegistry& ops, const Node& node, Builder& builder,
                            std::vector<Var> inputs);

}  // namespace onnxray
