#include "methods/spatial.h"

#include <algorithm>

#include "methods/axis_trail.h"

namespace onnxray {

namespace {

/// What the first node that slides a window over the value, however moved, sees of it: nothing where there is
/// none.
const AxisOrigins* seen_by_a_window(const Graph& graph, const AxisTrail& trail) {
  constexpr std::string_view kWindows[] = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"};
  for (const Node& node : graph.nodes) {
    if (!node.domain.empty() || std::ranges::find(kWindows, node.op) == std::end(kWindows)) continue;
    if (const AxisOrigins* origins = trail.find(node.inputs[0])) return origins;
  }
  return nullptr;
}

/// All axes that a window slides along, and those that were merged into its samples: frames of a film.
std::vector<int64_t> axes_of_places(const AxisOrigins& origins) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < origins.size(); ++i) {
    for (size_t k = i == 0 ? 1 : 0; i != 1 && k < origins[i].size(); ++k)
      axes.push_back(static_cast<int64_t>(origins[i][k]));
  }
  std::ranges::sort(axes);
  axes.erase(std::ranges::unique(axes).begin(), axes.end());
  return axes;
}

}  // namespace

SpatialAxes spatial_axes(const Graph& graph, ValueId value) {
  const Shape shape = graph[value].shape.value_or(Shape{});
  const auto rank = std::ssize(shape);
  if (rank < 2) return {};
  if (rank == 2) return {{1}, false};
  const AxisTrail trail(graph, value);
  if (const AxisOrigins* origins = seen_by_a_window(graph, trail)) {
    SpatialAxes spatial{axes_of_places(*origins), false};
    const auto is_space = [&](int64_t axis) {
      return std::ranges::find(spatial.axes, axis) != spatial.axes.end();
    };
    spatial.channels_last = !is_space(rank - 1) && is_space(1);
    if (!spatial.axes.empty()) return spatial;
  }
  SpatialAxes spatial;
  for (int64_t axis = 2; axis < rank; ++axis) spatial.axes.push_back(axis);
  return spatial;
}

}  // namespace onnxray
