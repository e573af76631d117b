#pragma once

#include <optional>

#include "core/graph.h"

namespace onnxray {

/// For each axis of a value, the axes of an earlier value that it runs along, outermost first: several where
/// they were merged, none where it is something else (the channels of a convolution) or is not known.
using AxisOrigins = std::vector<std::vector<size_t>>;

/// Follows the axes of one value through what is computed from it: convolutions and pools keep the axes of
/// space, Transpose moves axes, Reshape merges and splits them.
class AxisTrail {
 public:
  AxisTrail(const Graph& graph, ValueId from);

  /// Null where the value does not come of it, or in a way that loses all axes.
  const AxisOrigins* find(ValueId id) const;

 private:
  /// A layout whose axes a Reshape made unrecognisable; another one that restores its shape restores them.
  struct Layout {
    Shape shape;
    AxisOrigins origins;
  };
  std::optional<AxisOrigins> follow(const Graph& graph, const Node& node, size_t operand,
                                    const Shape& source);

  std::vector<std::optional<AxisOrigins>> origins_;  // by value
  std::vector<std::optional<Layout>> before_;        // by value, while all its elements are there
};

}  // namespace onnxray
