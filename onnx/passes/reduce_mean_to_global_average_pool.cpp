#include <algorithm>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

bool is_windowed(std::string_view op) {
  return op == "Conv" || op == "ConvTranspose" || op == "MaxPool" || op == "AveragePool";
}

/// Whether a tensor of rank 3 is [N, C, T] and not a batch of tokens: a convolution or pooling made it, a few
/// elementwise nodes back.
bool is_channel_major(const GraphEdit& edit, ValueId id) {
  for (int step = 0; step < 6; ++step) {
    const Node* node = edit.producer(id);
    if (node == nullptr || node->inputs.empty() || edit.graph[id].shape->size() != 3) return false;
    if (is_windowed(node->op)) return true;
    if (node->op == "Transpose" || node->op == "MatMul" || node->op == "Reshape") return false;
    id = node->inputs[0];
  }
  return false;
}

bool averages_space(const GraphEdit& edit, const Node& mean) {
  const Shape& shape = *edit.graph[mean.inputs[0]].shape;
  if (shape.size() < 3 || shape.size() > 5 || !is_floating(*edit.graph[mean.inputs[0]].dtype)) return false;
  const auto axes = reduction_axes(edit.graph, mean, shape.size());
  if (!axes || axes->size() != shape.size() - 2 || axes->front() != 2) return false;
  return shape.size() > 3 || is_channel_major(edit, mean.inputs[0]);
}

}  // namespace

/// ReduceMean over all spatial axes is GlobalAveragePool, followed by a Reshape where it drops them.
bool reduce_mean_to_global_average_pool(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op != "ReduceMean" || !node.domain.empty() || !averages_space(edit, node)) continue;
    const bool keep = int_attribute(node, "keepdims", 1) != 0;
    const ValueId x = node.inputs[0], y = node.outputs[0];
    edit.rewrite(node, "GlobalAveragePool", 1, {x}, {});
    if (keep) continue;
    const Shape flat = *graph[y].shape;
    Shape pooled = flat;
    pooled.resize(graph[x].shape->size(), 1);
    const ValueId before = edit.add_value(graph[y].name + "/pooled", *graph[y].dtype, pooled);
    const ValueId target = edit.add_constant(graph[y].name + "/shape", from_int64s(flat));
    node.outputs[0] = before;
    edit.set_producer(before, node);
    edit.insert_after(node, {.op = "Reshape",
                             .opset = 13,
                             .domain = {},
                             .attributes = {},
                             .inputs = {before, target},
                             .outputs = {y},
                             .origin = {{graph[y].name}, {}}});
  }
  return edit.apply();
}

}  // namespace onnxray
