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

/// Lowers every node of a specialised graph, in order. `inputs` stand for Graph::inputs.
Forward lower_graph(const Graph& graph, const OpRegistry& ops, Builder& builder, std::span<const Var> inputs);

}  // namespace onnxray
