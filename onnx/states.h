#pragma once

#include <vector>

#include "ops/op.h"

namespace onnxray {

/// Real inputs of an imported model that do nothing but start recurrent layers and loops: moved at most, they
/// are initial states of them. None where that would leave the model without any other input.
std::vector<ValueId> state_inputs(const Graph& graph, const OpRegistry& ops);

}  // namespace onnxray
