#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// x [I,K] times a constant [K,J].
bool is_dense(const Graph& graph, const Node& matmul) {
  const Tensor* w = graph.constant(matmul.inputs[1]);
  return w != nullptr && w->shape().size() == 2 && graph[matmul.inputs[0]].shape->size() == 2 &&
         is_floating(w->dtype());
}

}  // namespace

/// MatMul of a matrix by a constant, and the Add of a constant row, become one Gemm. Higher ranks are for
/// matmul_add_to_bias.
bool matmul_add_to_gemm(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op != "Add" || !node.domain.empty()) continue;
    for (size_t i = 0; i < 2; ++i) {
      const Node* matmul = edit.producer(node.inputs[i], "MatMul");
      const Tensor* c = graph.constant(node.inputs[1 - i]);
      if (matmul == nullptr || c == nullptr || !edit.used_once(node.inputs[i]) || !is_dense(graph, *matmul))
        continue;
      const int64_t columns = graph.constant(matmul->inputs[1])->shape()[1];
      const auto bias = along_axis(*c, 2, 1, columns);
      if (!bias || graph[node.outputs[0]].shape != graph[node.inputs[i]].shape) continue;
      const DType dtype = c->dtype();
      const ValueId b =
          edit.add_constant(graph[node.inputs[1 - i]].name, from_doubles(dtype, {columns}, *bias));
      edit.rewrite(node, "Gemm", 13, {matmul->inputs[0], matmul->inputs[1], b}, {});
      break;
    }
  }
  return edit.apply();
}

}  // namespace onnxray
