#pragma once

#include <span>
#include <vector>

#include "ops/op.h"

namespace onnxray {

/// The layers of a net whose results lie on a grid [N, C, s..].
struct GridLayers {
  /// Results of convolutions and of what is done to them place by place, on the way from one of some values
  /// to another, in topological order; not those that are that other value itself but for moving.
  std::vector<ValueId> layers;
  bool mixes_places_later =
      false;  ///< by a product of matrices or a recurrence, without a convolution behind
};

GridLayers grid_layers(const Graph& graph, const OpRegistry& ops, std::span<const ValueId> from, ValueId to);

}  // namespace onnxray
