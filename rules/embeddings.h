#pragma once

#include <vector>

#include "rules/value_origins.h"

namespace onnxray {

/// Rows of a constant table that ids choose: where relevance stops on its way to tokens. Ids are integers, or
/// reals that are cast to some; arithmetic and data movement may lie between the model's input and the
/// choice, as long as each row comes of one entry of it.
struct Embedding {
  ValueId vectors = kNoValue;  ///< the rows, with the index's axes at [row_axis, row_axis + row_rank)
  ValueId index = kNoValue;    ///< what chooses them
  int64_t row_axis = 0, row_rank = 0;
  bool is_traced = false;                ///< whether the entries that choose are known
  std::vector<InputEntry> entries = {};  ///< by row; without input where none does
  std::vector<ValueId> masks = {};       ///< inputs that ids are multiplied with
};

/// Rows of a constant table that an explanation takes for constants too.
struct ConstantRows {
  ValueId vectors = kNoValue;
  std::string why;
};

struct Embeddings {
  std::vector<Embedding> found;  ///< in the graph's order
  std::vector<ConstantRows> constants;
  std::vector<bool> is_real;  ///< by value: a derivative leads to it from a real input or an embedding
};

/// Of a specialised graph.
Embeddings find_embeddings(const Graph& graph, const OpRegistry& ops);

/// Whether a derivative leads from a real input to `output`.
bool is_read_as_number(const Graph& graph, ValueId input, ValueId output);

}  // namespace onnxray
