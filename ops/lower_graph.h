#pragma once

#include "ops/op.h"

namespace onnxray {

/// A graph's forward pass inside a program: which variable holds each value, which steps each node became.
struct Forward {
  struct Range {
    size_t first = 0, last = 0;  ///< steps [first, last) of the program
  };
  std::vector<Var> vars;            ///< by ValueId; unset where nothing computes it
  std::vector<Range> node_steps;    ///< by node
  const OpRegistry* ops = nullptr;  ///< what lowered them
};

/// A value of a specialised graph as an operand of a program: its constant, or an input of its name; unset
/// for kNoValue.
Var operand_of(Builder& b, const Graph& graph, ValueId id);

/// Graph::inputs as operands.
std::vector<Var> operands_of_inputs(Builder& b, const Graph& graph);

/// Lowers every node of a specialised graph, in order. `inputs` stand for Graph::inputs.
Forward lower_graph(const Graph& graph, const OpRegistry& ops, Builder& builder, std::span<const Var> inputs);

}  // namespace onnxray
