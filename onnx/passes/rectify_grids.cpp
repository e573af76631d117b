#include <algorithm>
#include <cmath>

#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// A grid from 0 to 6, as of a Relu6.
bool ends_at_six(const Graph& graph, const Node& grid) {
  const auto scale = scalar_constant(graph, grid.inputs[1]);
  const double steps = float_attribute(grid, "high", 255) - float_attribute(grid, "low", 0);
  return scale && std::abs(*scale * steps - 6) < 1e-5;  // the scale is a float
}

/// Whether some layer computes the value, which may then be negative: not a model input, nor what is never
/// below 0.
bool comes_from_a_layer(const GraphEdit& edit, ValueId id) {
  for (const Node* node = edit.producer(id); node != nullptr; node = edit.producer(node->inputs[0])) {
    if (node->is_one_of({"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "Add", "Sub", "Sum",
                         "BatchNormalization", "LayerNormalization", "InstanceNormalization",
                         "GroupNormalization", "RMSNormalization"}))
      return true;
    const bool keeps_sign = node->is_one_of({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                                             "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose",
                                             "Slice", "Identity", "Dropout", "RoundToGrid", "Saturate"});
    if (!keeps_sign) return false;
  }
  return false;
}

}  // namespace

/// Quantisers drop a Relu where the grid behind it starts at 0 and cuts off what is below. That is a
/// rectifier still: it becomes one, so that rules, guided methods and Grad-CAM treat it as in the net before.
bool rectify_grids(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op != "Saturate" || node.domain != "onnxray") continue;
    const ValueId x = node.inputs[0];
    if (!comes_from_a_layer(edit, x)) continue;
    if (!ends_at_six(graph, node)) {
      edit.rewrite(node, "Relu", 14, {x}, {});
      continue;
    }
    const auto bound = [&](double v) { return edit.add_constant("", Tensor::scalar(v).to(*graph[x].dtype)); };
    const ValueId low = bound(0), high = bound(6);
    edit.rewrite(node, "Clip", 13, {x, low, high}, {});
  }
  return edit.apply();
}

}  // namespace onnxray
