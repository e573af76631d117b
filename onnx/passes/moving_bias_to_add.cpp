#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// A product whose third operand is computed: a constant on a grid is not.
bool has_moving_bias(const GraphEdit& edit, const Node& node) {
  const bool is_linear = node.op == "Gemm" || node.op == "Conv" || node.op == "ConvTranspose";
  if (!is_linear || !node.domain.empty() || node.inputs.size() < 3 || node.inputs[2] == kNoValue)
    return false;
  const Node* grid = edit.producer(node.inputs[2]);
  const bool is_rounded = grid != nullptr && grid->domain == "onnxray" && grid->op == "RoundToGrid";
  return edit.graph.constant(is_rounded ? grid->inputs[0] : node.inputs[2]) == nullptr;
}

/// Adds `op` over `inputs` after `node`; its result is `y`.
void add_after(GraphEdit& edit, Node& node, std::string op, std::vector<ValueId> inputs, ValueId y) {
  Node added;
  added.op = std::move(op);
  added.opset = 14;
  added.inputs = std::move(inputs);
  added.outputs = {y};
  added.origin.scopes = node.origin.scopes;
  for (const std::string& name : node.origin.names) added.origin.names.push_back(name + "/bias");
  edit.insert_after(node, std::move(added));
}

void match(GraphEdit& edit, Node& node) {
  Graph& graph = edit.graph;
  const ValueId y = node.outputs[0];
  const DType dtype = *graph[y].dtype;
  const Shape shape = *graph[y].shape;
  const std::string name = graph[y].name;
  ValueId bias = node.inputs[2];
  const ValueId product = edit.add_value(name + "/product", dtype, shape);
  node.outputs[0] = product;
  edit.set_producer(product, node);
  edit.set_input(node, 2, kNoValue);
  node.inputs.pop_back();
  // Nodes that are added after the same one stay in the order in which they come.
  if (node.op != "Gemm") {
    Shape channels(shape.size(), 1);
    channels[1] = shape[1];
    const ValueId spread = edit.add_value(name + "/channels", dtype, channels);
    add_after(edit, node, "Reshape", {bias, edit.add_constant(name + "/shape", from_int64s(channels))},
              spread);
    bias = spread;
  }
  if (const double beta = float_attribute(node, "beta", 1); node.op == "Gemm" && beta != 1) {
    const ValueId scaled = edit.add_value(name + "/beta", dtype, *graph[bias].shape);
    const Tensor factor = Tensor::scalar(beta).to(dtype);
    add_after(edit, node, "Mul", {bias, edit.add_constant(name + "/factor", factor)}, scaled);
    bias = scaled;
    node.attributes.erase("beta");
  }
  add_after(edit, node, "Add", {product, bias}, y);
}

}  // namespace

/// A product whose bias is computed becomes the product alone and an Add: the bias has a share of the
/// relevance, as every term of a sum has.
bool moving_bias_to_add(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (has_moving_bias(edit, node)) match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
