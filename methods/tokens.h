#pragma once

#include "methods/method.h"

namespace onnxray {

/// What arrived at the values of an explained input, as one number for each of its entries. What arrived at
/// the rows that an entry chooses counts as the method's parameter `tokens` says: their sum, their L2 norm,
/// or their product with the rows.
Var by_entry(const MethodSpec& method, const MethodContext& context, const ExplainedInput& input,
             std::span<const Var> attributions);

/// `v` where explained value number `i` may move, and `still` at entries of it that are ids; both broadcast
/// to the value.
Var where_moving(const MethodContext& context, size_t i, Var v, Var still);

}  // namespace onnxray
