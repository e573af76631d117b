#pragma once

#include <vector>

#include "core/graph.h"

namespace onnxray {

/// Rows of a constant table that integer inputs choose: where relevance stops on its way to tokens.
struct Embedding {
  ValueId vectors;  ///< the rows [ids..., width...], the output of a Gather
  ValueId ids;  ///< the graph input that chooses them, with one row for each of its entries; else the index
};

/// The embeddings of a specialised graph, in its order. A table whose rows turn or scale activations, as
/// those of rotary positions do, is none.
std::vector<Embedding> find_embeddings(const Graph& graph);

}  // namespace onnxray
