#pragma once

#include <vector>

#include "ops/op.h"

namespace onnxray {

/// Whether each value depends on a floating graph input or on embedded tokens.
std::vector<bool> data_dependent(const Graph& graph, const OpRegistry& ops);

/// The relevance class of a node of a specialised graph once it is known which operands are constant: a
/// MatMul of two activations is bilinear, a Mul by a constant is an activation, and routing that adds is a
/// sum.
RelevanceClass classify(const Graph& graph, const Node& node, const OpRegistry& ops,
                        const std::vector<bool>& dependent);

/// By node: linear nodes whose data operand is the model's input, seen through shape nodes, Identity,
/// Dropout, Cast and constant affine nodes alone.
std::vector<bool> find_input_layer(const Graph& graph, const OpRegistry& ops,
                                   const std::vector<bool>& dependent, bool through_affine = true);

}  // namespace onnxray
