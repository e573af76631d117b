#include "methods/spatial.h"

#include <algorithm>

namespace onnxray {

namespace {

/// Whether a node moves the last axis to place 1: a Transpose, or a Reshape where one of the moved extents
/// is 1.
bool moves_channels_first(const Graph& graph, const Node& node, const Shape& from) {
  Shape to{from.front(), from.back()};
  to.insert(to.end(), from.begin() + 1, from.end() - 1);
  if (graph[node.outputs[0]].shape != to) return false;
  if (node.op == "Reshape") return from.back() == 1;
  if (node.op != "Transpose") return false;
  std::vector<int64_t> wanted{0, std::ssize(from) - 1};
  for (int64_t axis = 1; axis + 1 < std::ssize(from); ++axis) wanted.push_back(axis);
  return ints_attribute(node, "perm") == wanted;
}

bool keeps_axes(const Node& node) {
  constexpr std::string_view kOps[] = {"Identity", "Cast", "Dropout", "Add",
                                       "Sub",      "Mul",  "Div",     "BatchNormalization"};
  return std::ranges::find(kOps, node.op) != std::end(kOps);
}

bool arrives_channels_last(const Graph& graph, ValueId value, const Shape& shape) {
  std::vector<ValueId> same{value};  // the value and what is computed from it place by place
  for (const Node& node : graph.nodes) {
    if (node.inputs.empty() || std::ranges::find(same, node.inputs[0]) == same.end()) continue;
    if (moves_channels_first(graph, node, shape)) return true;
    if (keeps_axes(node) && graph[node.outputs[0]].shape == shape) same.push_back(node.outputs[0]);
  }
  return false;
}

}  // namespace

SpatialAxes spatial_axes(const Graph& graph, ValueId value) {
  const Shape shape = graph[value].shape.value_or(Shape{});
  const auto rank = std::ssize(shape);
  SpatialAxes spatial;
  if (rank == 2) return {{1}, false};
  spatial.channels_last = rank > 2 && arrives_channels_last(graph, value, shape);
  for (int64_t axis = 1; axis < rank; ++axis) {
    if (axis != (spatial.channels_last ? rank - 1 : 1)) spatial.axes.push_back(axis);
  }
  return spatial;
}

}  // namespace onnxray
