#pragma once

#include <string>

#include "core/assumption.h"
#include "ops/op.h"

namespace onnxray {

/// Where a value that methods attribute to belongs in an input of the model: it is the input itself, or rows
/// that entries of it choose.
struct ExplainedPart {
  size_t value = 0;  ///< which of Explained::values
  bool is_rows = false;
  int64_t row_axis = 0, row_rank = 0;  ///< the rows' axes in the value: [row_axis, row_axis + row_rank)
  std::vector<int64_t> entries = {};   ///< by row: the input's entry that chooses it; -1 where none does
};

/// What an attribution is over: an input of the model, or an inner value.
struct ExplainedInput {
  ValueId input = kNoValue;  ///< that the attribution has the shape of
  std::vector<ExplainedPart> parts = {};
  /// Of a real input some entries of which are ids and others numbers: 1 where a number is. Else empty.
  Tensor is_number = {};

  bool holds_ids() const;
};

struct Explained {
  std::vector<ValueId> values;         ///< what methods attribute to, each once
  std::vector<ExplainedInput> inputs;  ///< what attributions are over
  std::vector<Assumption> assumptions;
};

/// `at` alone, or without it every real input that is a number to `output`, and every input of ids that
/// choose embeddings: of these only the names in `only` where it holds any, and none of `except`. Errors:
/// usage for names that are no inputs, unsupported for inputs in `only` that cannot be attributed to.
Explained find_explained(const Graph& graph, const OpRegistry& ops, ValueId output, ValueId at,
                         const std::vector<std::string>& only, const std::vector<std::string>& except);

}  // namespace onnxray
