#pragma once

#include <memory>

#include "backward/reverse.h"

namespace onnxray {

/// What replaces the gradient of a rectifier.
enum class ReluOverride : uint8_t {
  guided,  ///< g_in = J^T max(g, 0)
  deconv,  ///< g_in = max(g, 0): the forward mask is left out
};

std::unique_ptr<Rule> make_relu_override(ReluOverride kind);

/// Relu, LeakyRelu, PRelu, and Clip from 0 (Relu6 among them).
bool is_rectifier(const Graph& graph, const Node& node);

}  // namespace onnxray
