#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// Multiplies input i, a real constant, by the factor that the attribute names, which is then 1.
void take_factor(GraphEdit& edit, Node& node, size_t i, const std::string& attribute) {
  const double factor = float_attribute(node, attribute, 1);
  if (factor == 1) return;
  const ValueId id = node.inputs[i];
  const Tensor& constant = *edit.graph.constant(id);
  if (!is_floating(constant.dtype())) return;
  std::vector<double> values = doubles_of(constant);
  for (double& v : values) v *= factor;
  edit.set_input(node, i,
                 edit.add_constant(edit.graph[id].name + "/" + attribute,
                                   from_doubles(constant.dtype(), constant.shape(), values)));
  node.attributes.erase(attribute);
}

void match(GraphEdit& edit, Node& node) {
  const auto is_constant = [&](size_t i) {
    return i < node.inputs.size() && node.inputs[i] != kNoValue &&
           edit.graph.constant(node.inputs[i]) != nullptr;
  };
  // Where both factors move alpha stays: no rule has a weight there.
  if (is_constant(0) != is_constant(1)) take_factor(edit, node, is_constant(1) ? 1 : 0, "alpha");
  if (is_constant(2) && float_attribute(node, "beta", 1) == 0) {
    edit.set_input(node, 2, kNoValue);
    node.inputs.pop_back();
  } else if (is_constant(2)) {
    take_factor(edit, node, 2, "beta");
  }
}

}  // namespace

/// Gemm's alpha goes into its weight and beta into its bias: rules read the weight's signs and sizes, and a
/// negative alpha turns them.
bool gemm_to_plain_weights(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op == "Gemm" && node.domain.empty() && node.inputs.size() >= 2) match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
