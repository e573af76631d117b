#include "methods/grid_layers.h"

#include <algorithm>
#include <optional>

namespace onnxray {

namespace {

using Flags = std::vector<bool>;

bool holds(const Flags& flags, ValueId id) { return id != kNoValue && flags[static_cast<size_t>(id)]; }

bool any(const Flags& flags, const std::vector<ValueId>& ids) {
  return std::ranges::any_of(ids, [&](ValueId id) { return holds(flags, id); });
}

void set_all(Flags& flags, const std::vector<ValueId>& ids) {
  for (const ValueId id : ids) {
    if (id != kNoValue) flags[static_cast<size_t>(id)] = true;
  }
}

bool is_product(const Node& node) { return node.is_one_of({"MatMul", "Gemm", "Einsum"}); }

/// Values between `from` and `to`.
Flags on_the_way(const Graph& graph, std::span<const ValueId> from, ValueId to) {
  Flags ahead(graph.values.size(), false), back(graph.values.size(), false);
  set_all(ahead, {from.begin(), from.end()});
  for (const Node& node : graph.nodes) {
    if (any(ahead, node.inputs)) set_all(ahead, node.outputs);
  }
  set_all(back, {to});
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (any(back, node->outputs)) set_all(back, node->inputs);
  }
  for (size_t i = 0; i < ahead.size(); ++i) ahead[i] = ahead[i] && back[i];
  return ahead;
}

/// Values that are `to` but for moving and scaling, back to the linear layer that computes it.
Flags same_as(const Graph& graph, ValueId to) {
  Flags same(graph.values.size(), false);
  set_all(same, {to});
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool moves =
        node->is_one_of({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Slice",
                         "Split", "Gather", "Resize", "Upsample", "DepthToSpace", "Pad", "Cast", "Identity"});
    if (moves && any(same, node->outputs)) set_all(same, node->inputs);
  }
  return same;
}

/// Whether a Reshape or its kin keeps samples, channels and the places.
bool keeps_grid(const Shape& from, const Shape& to) {
  if (from.size() < 3 || to.size() < 3 || from[0] != to[0] || from[1] != to[1]) return false;
  const auto places = [](Shape shape) {
    shape.erase(shape.begin(), shape.begin() + 2);
    std::erase(shape, 1);
    return shape;
  };
  return places(from) == places(to);
}

/// Finds the values [N, C, s..]: what a window slid over, and what nodes make of it place by place, also
/// where they give it another shape for a while, as group normalisation does.
class Grids {
 public:
  explicit Grids(const Graph& graph)
      : graph_(graph), grid_(graph.values.size(), false), shape_before_(graph.values.size()) {
    for (const Node& node : graph.nodes) visit(node);
  }
  bool operator[](ValueId id) const { return holds(grid_, id); }

 private:
  void visit(const Node& node) {
    const ValueId y = node.outputs[0];
    if (y == kNoValue) return;
    const Shape& to = *graph_[y].shape;
    const bool slides =
        node.is_one_of({"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GridSample"});
    if (to.size() >= 3 &&
        (slides || std::ranges::any_of(node.inputs, [&](ValueId id) { return keeps(node, id); })))
      grid_[static_cast<size_t>(y)] = true;
    else
      remember(node, y);
  }

  bool keeps(const Node& node, ValueId id) const {
    if (id == kNoValue || is_product(node) || node.op == "Transpose") return false;
    const Shape &from = *graph_[id].shape, &to = *graph_[node.outputs[0]].shape;
    const bool moves = keeps_order(node);
    if (!holds(grid_, id)) return moves && shape_before_[static_cast<size_t>(id)] == to;
    return moves ? keeps_grid(from, to) : from.size() == to.size() && from[0] == to[0];
  }

  /// The shape that the grid had, while all its elements are there.
  void remember(const Node& node, ValueId y) {
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const auto& shape = holds(grid_, id) ? graph_[id].shape : shape_before_[static_cast<size_t>(id)];
      if (shape && element_count(*shape) == element_count(*graph_[y].shape))
        shape_before_[static_cast<size_t>(y)] = shape;
    }
  }

  const Graph& graph_;
  Flags grid_;
  std::vector<std::optional<Shape>> shape_before_;  // by value
};

/// Whether a node is a layer, or part of one: it computes at each place, rather than moving or pooling.
bool is_layer(const Node& node, const OpRegistry& ops) {
  if (node.op == "Concat") return int_attribute(node, "axis", 1) == 1;
  if (is_product(node)) return false;
  const OpDef* op = ops.find(node.domain, node.op);
  if (op == nullptr) return false;
  switch (op->relevance) {
    case RelevanceClass::linear:
    case RelevanceClass::bilinear:
    case RelevanceClass::activation:
    case RelevanceClass::affine:
    case RelevanceClass::normaliser: return true;
    case RelevanceClass::sum: return node.is_one_of({"Add", "Sub", "Sum", "Mean"});
    case RelevanceClass::routing:
    case RelevanceClass::softmax:
    case RelevanceClass::none: return false;
  }
  return false;
}

/// Whether a product of two activations, as in attention, lies behind the last layer.
bool mixes_later(const Graph& graph, const Flags& way, ValueId last) {
  Flags behind(graph.values.size(), false);
  set_all(behind, {last});
  for (const Node& node : graph.nodes) {
    if (!any(behind, node.inputs)) continue;
    set_all(behind, node.outputs);
    const auto moving = [&](ValueId id) { return id != kNoValue && graph.constant(id) == nullptr; };
    const bool mixes =
        node.op == "Attention" || (is_product(node) && std::ranges::count_if(node.inputs, moving) > 1);
    if (mixes && holds(way, node.outputs[0])) return true;
  }
  return false;
}

}  // namespace

GridLayers grid_layers(const Graph& graph, const OpRegistry& ops, std::span<const ValueId> from, ValueId to) {
  const Flags way = on_the_way(graph, from, to), result = same_as(graph, to);
  const Grids grid(graph);
  GridLayers found;
  for (const Node& node : graph.nodes) {
    const ValueId y = node.outputs[0];
    if (holds(way, y) && grid[y] && !holds(result, y) && is_layer(node, ops)) found.layers.push_back(y);
  }
  if (!found.layers.empty()) found.mixes_places_later = mixes_later(graph, way, found.layers.back());
  return found;
}

}  // namespace onnxray
