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
std::vector<int64_t> axes_of_places(const AxisOrigins& origins, std::optional<int64_t> samples) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < origins.size(); ++i) {
    // Where no axis is known to hold samples, it is the outermost that the window's batch was made of.
    for (size_t k = i == 0 && !samples ? 1 : 0; i != 1 && k < origins[i].size(); ++k) {
      const auto axis = static_cast<int64_t>(origins[i][k]);
      if (axis != samples) axes.push_back(axis);
    }
  }
  std::ranges::sort(axes);
  axes.erase(std::ranges::unique(axes).begin(), axes.end());
  return axes;
}

}  // namespace

SpatialAxes spatial_axes(const Graph& graph, ValueId value, std::optional<int64_t> samples) {
  const Shape shape = graph[value].shape.value_or(Shape{});
  SpatialAxes spatial{axes_from(0, shape.size()), false};
  if (samples) spatial.axes.erase(spatial.axes.begin() + *samples);
  if (shape.size() < 3) return spatial;
  const AxisTrail trail(graph, value);
  if (const AxisOrigins* origins = seen_by_a_window(graph, trail)) {
    std::vector<int64_t> places = axes_of_places(*origins, samples);
    const auto is_space = [&](int64_t axis) { return std::ranges::find(places, axis) != places.end(); };
    const int64_t last = std::ssize(shape) - 1;
    const bool channels_last = samples != last && !is_space(last) && is_space(1);
    if (!places.empty()) return {std::move(places), channels_last};
  }
  spatial.axes.erase(spatial.axes.begin());
  return spatial;
}

}  // namespace onnxray
