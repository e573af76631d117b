#pragma once

#include "api/onnxray.h"
#include "core/graph.h"

namespace onnxray {

/// A sentence about NaN and infinite numbers in a tensor that `what` names; empty where all are finite.
std::string not_finite_note(const std::string& what, const Tensor& tensor);

/// Fills Explanations::not_finite: the model's inputs, its outputs, the maps.
void note_not_finite(const Graph& model, const std::vector<Tensor>& inputs, Explanations& explanations);

}  // namespace onnxray
