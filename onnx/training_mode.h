#pragma once

#include "core/graph.h"

namespace onnxray {

/// A node that its file leaves in training mode, made what is explained: a BatchNormalization that takes the
/// statistics of the batch becomes an operator of its own (domain "onnxray"), a Dropout drops nothing. What
/// this takes for granted is said in graph.assumptions. The values of the node's inputs must be known where
/// they are constants.
void settle_training_mode(Graph& graph, Node& node);

}  // namespace onnxray
