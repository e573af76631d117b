#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// Whether the node keeps its input's elements in row-major order.
bool acts_as_reshape(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.inputs.empty() || node.outputs.size() != 1) return false;
  if (keeps_order(node)) return true;
  if (node.op != "Transpose") return false;
  // A Transpose that moves only axes of extent 1.
  const Shape& shape = *graph[node.inputs[0]].shape;
  auto permutation = ints_attribute(node, "perm");
  std::erase_if(permutation, [&](int64_t axis) { return shape[static_cast<size_t>(axis)] == 1; });
  if (has_attribute(node, "perm")) return std::ranges::is_sorted(permutation);
  return std::ranges::count_if(shape, [](int64_t extent) { return extent != 1; }) < 2;
}

bool make_reshape(GraphEdit& edit, Node& node, ValueId x) {
  const ValueId y = node.outputs[0];
  const Shape shape = *edit.graph[y].shape;
  if (std::ranges::find(shape, 0) != shape.end()) return false;  // an extent of 0 would mean "copy"
  const ValueId target = edit.add_constant(edit.graph[y].name + "/shape", from_int64s(shape));
  edit.rewrite(node, "Reshape", 13, {x, target}, {});
  return true;
}

}  // namespace

/// Chains of Reshape, Flatten, Squeeze and Unsqueeze become one Reshape; so does a Transpose that moves no
/// element.
bool merge_reshapes(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (!acts_as_reshape(graph, node)) continue;
    const ValueId x = node.inputs[0];
    const Node* inner = edit.producer(x);
    if (inner != nullptr && acts_as_reshape(graph, *inner) && edit.used_once(x)) {
      make_reshape(edit, node, inner->inputs[0]);
    } else if (node.op == "Transpose" && !std::ranges::is_sorted(ints_attribute(node, "perm"))) {
      make_reshape(edit, node, x);
    }
  }
  return edit.apply();
}

}  // namespace onnxray
