#pragma once

#include "api/onnxray.h"
#include "core/graph.h"
#include "methods/head.h"

namespace onnxray {

/// A model whose outputs hold what a caller names, and which of them that is; unset where none is named.
struct OutputChoice {
  Graph graph;
  std::optional<size_t> index;
};

/// `name`: of one of the model's outputs, or as core/find_node reads it of an inner value, which joins the
/// outputs; empty: none. Throws Error(usage) that lists the outputs and the nearest names.
OutputChoice choose_output(const Graph& model, const std::string& name);

/// The output of a specialised graph that is explained where none is named: the first of real numbers, which
/// is an assumption where there are others. Throws Error(unsupported) where all hold integers.
size_t first_explainable(const Graph& graph, std::vector<Assumption>& assumptions);

/// The same without its other outputs and what only they need.
Graph only_output(Graph graph, size_t index);

/// What the caller is told of it.
ExplainedOutput description_of(const Graph& graph, const Head& head);

}  // namespace onnxray
