#pragma once

#include <string>

#include "ops/op.h"

namespace onnxray {

/// What the engine does with an operator, found by asking the engine: docs/operators.md is written from it.
struct OperatorFacts {
  std::string gradient;  ///< "exact", "straight through", "none", "of its parts"
  std::string one_data;  ///< the rule where one operand carries data; "-" where no relevance passes
  std::string all_data;  ///< the rule where the first two operands carry data
};
OperatorFacts facts_of(const OpDef& op, const OpRegistry& ops);

/// The table of all operators as Markdown, sorted by domain and name.
std::string operator_table(const OpRegistry& ops);

}  // namespace onnxray
