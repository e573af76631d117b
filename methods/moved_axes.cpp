#include "methods/moved_axes.h"

#include <algorithm>

namespace onnxray {

namespace {

bool contains(const std::vector<int64_t>& axes, int64_t axis) {
  return std::ranges::find(axes, axis) != axes.end();
}

/// The same entries in the same order: an axis stays one where it has its extent, and as much before it.
std::vector<int64_t> reshaped_axes(const std::vector<int64_t>& axes, const Shape& from, const Shape& to) {
  std::vector<int64_t> mapped;
  for (const int64_t axis : axes) {
    const auto a = static_cast<size_t>(axis);
    for (size_t k = 0; k < to.size(); ++k) {
      if (to[k] != from[a] || count_between(to, 0, k) != count_between(from, 0, a)) continue;
      mapped.push_back(static_cast<int64_t>(k));
      break;
    }
  }
  return mapped.size() == axes.size() ? mapped : std::vector<int64_t>{};
}

std::vector<int64_t> transposed_axes(const Node& node, size_t rank, std::vector<int64_t> axes) {
  std::vector<int64_t> perm = ints_attribute(node, "perm");
  if (perm.empty()) {
    perm = axes_from(0, rank);
    std::ranges::reverse(perm);
  }
  for (int64_t& axis : axes) axis = std::ranges::find(perm, axis) - perm.begin();
  std::ranges::sort(axes);
  return axes;
}

}  // namespace

std::vector<int64_t> moved_axes(const Graph& graph, const Node& node, ValueId value,
                                std::vector<int64_t> axes) {
  const Shape &from = graph[node.inputs[0]].shape.value(), &to = graph[value].shape.value();
  const auto is_cut = [&](int64_t axis) {
    return from[static_cast<size_t>(axis)] != to[static_cast<size_t>(axis)];
  };
  if (node.op == "Transpose") return transposed_axes(node, from.size(), std::move(axes));
  if (keeps_order(node)) return reshaped_axes(axes, from, to);
  if (node.op == "Gather") {
    const int64_t along = normalise_axis(int_attribute(node, "axis", 0), from.size());
    if (contains(axes, along)) return {};
    const int64_t more = std::ssize(to) - std::ssize(from);
    for (int64_t& axis : axes) axis += axis > along ? more : 0;
    return axes;
  }
  const bool keeps_axes = node.op == "Slice" || node.op == "Split" || node.op == "Resize";
  return keeps_axes && std::ranges::none_of(axes, is_cut) ? axes : std::vector<int64_t>{};
}

Shape without_axes(const Shape& shape, const std::vector<int64_t>& axes) {
  Shape rest;
  for (size_t k = 0; k < shape.size(); ++k) {
    if (!contains(axes, static_cast<int64_t>(k))) rest.push_back(shape[k]);
  }
  return rest;
}

}  // namespace onnxray
