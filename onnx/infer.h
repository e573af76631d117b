#pragma once

#include "core/backend.h"
#include "core/graph.h"
#include "ops/op.h"

namespace onnxray {

class GrowthBudget;
class Observer;

/// Gives a type and a shape to every value that lacks one, by lowering the node that writes it into a scratch
/// program. A node whose results are known before running becomes constants: because its lowering says so, or
/// because its inputs are constants and `folder` can compute it. Inputs of the graph must have shapes. What
/// the data decides is as `observer` sees it; without one such a node is refused.
/// What the results take is spent from `budget` before it is made.
void infer_values(Graph& graph, const OpRegistry& ops, Backend& folder, GrowthBudget& budget,
                  const Observer* observer = nullptr);

/// f32 for f16 and bf16, other types as they are. A running program holds no half precision (core/dtype.h).
DType widened(DType dtype);

}  // namespace onnxray
