#pragma once

#include "backward/rule.h"

namespace onnxray {

/// How many factors that move an entry of the node's result multiplies, broadcastable to it; unset where that
/// is 1 everywhere. By Euler x J x = degree * y, so that each factor's part of the relevance is 1 / degree.
Var degree(const NodeContext& context);

}  // namespace onnxray
