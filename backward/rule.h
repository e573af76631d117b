#pragma once

#include <string>

#include "core/sample_axis.h"
#include "ops/lower_graph.h"

namespace onnxray {

class ReverseWalk;

/// What becomes of the relevance at a node, for reports; sums over the batch, unset where a rule enters
/// nothing. A rule that sends its share of R to every contribution has sum R = sent + bias + stabiliser.
struct Ledger {
  Var sent;        ///< to the node's inputs
  Var bias;        ///< share of the bias, or of constants among the terms of a sum
  Var stabiliser;  ///< share of what was added to denominators, and of units that have no contribution to pay
  Var smallest;    ///< the smallest denominator in absolute value
  Var crossings;   ///< how many denominators have another sign than the contributions that they divide
};

/// A node seen from behind: its operands, what arrived at its outputs, and where to send what its inputs get.
class NodeContext {
 public:
  NodeContext(ReverseWalk& walk, int32_t index);

  const Node& node;
  Builder& b;
  int32_t index;

  const OpDef& op() const;
  size_t input_count() const { return node.inputs.size(); }
  Var input(size_t i) const;
  Var output(size_t i = 0) const;
  /// What arrived at output i; unset where nothing did.
  Var cotangent(size_t i = 0) const { return taken_[i]; }
  /// What is known about the sign of input i.
  SignFact sign(size_t i) const;
  /// Whether a variable of the forward pass may be infinite or NaN (finiteness.h).
  bool may_be_infinite(Var v) const;
  /// Where input i, and output 0, hold the samples; unset: they are of one, or of all.
  std::optional<SampleAxis> samples_of_input(size_t i) const;
  std::optional<SampleAxis> samples_of_output() const;
  /// Whether anybody wants the cotangent of input i.
  bool wants(size_t i) const;
  void send(size_t i, Var share);
  /// Where rules enter what they do not pass on; null unless a report asks.
  Ledger* ledger() const;

  /// What the Jacobian's transpose makes of `s` arriving at output 0, for each input (unset where not
  /// wanted). `substitutes` replace operands of the node: T(w', s) is the adjoint under another weight. An
  /// unset one leaves an optional operand out.
  struct Substitute {
    size_t input;
    Var with;
  };
  std::vector<Var> adjoint(Var s, std::span<const Substitute> substitutes = {}) const;
  /// Output 0 of the node under other operands, and other attributes where they are given.
  Var forward(std::span<const Substitute> substitutes, const Attributes& attributes = {}) const;

 private:
  /// The node lowered again over other operands.
  struct Replay {
    std::vector<Step> steps;
    std::vector<Var> inputs;
    Var output;
  };
  Replay replay(std::span<const Substitute> substitutes, const Attributes& attributes = {}) const;
  std::optional<SampleAxis> samples_of(ValueId id) const;

  ReverseWalk& walk_;
  std::vector<Var> taken_;
};

/// How one node sends what arrives at its outputs to its inputs. Replaces the node's VJP.
class Rule {
 public:
  virtual ~Rule() = default;
  /// For reports and `inspect`: "epsilon(0.1)".
  virtual std::string name() const = 0;
  virtual void emit(NodeContext& context) const = 0;
};

}  // namespace onnxray
