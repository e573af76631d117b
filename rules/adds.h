#pragma once

#include <vector>

#include "ops/op.h"

namespace onnxray {

/// Whether entries of the node's results are sums of several entries that move, or multiples of one, so that
/// relevance is shared in proportion to the terms. Otherwise each is a copy of one entry at most, and
/// relevance goes back where that came from. Where the graph has no shapes yet: false.
bool adds(const Graph& graph, const Node& node, const OpRegistry& ops, const std::vector<bool>& dependent);

}  // namespace onnxray
