#pragma once

#include "methods/method.h"

namespace onnxray {

/// The outputs of the input layer, where a loop does better to start or end there than at the explained
/// values: they are an affine map S of the explained values, all that those tell the logits goes through
/// them, and S takes much arithmetic for each of its results. Empty otherwise.
std::vector<ValueId> find_stem(const MethodContext& context);

/// The adjoint of S, applied to what arrived at the stem's values: by explained variable, unset where nothing
/// arrives. Takes linear steps alone, so it holds for every point of a path.
std::vector<Var> stem_adjoint(const MethodContext& context, std::span<const ValueId> stem,
                              std::span<const Var> arrived);

}  // namespace onnxray
