#include "onnx/passes/constants.h"
#include "onnx/passes/edit.h"
#include "onnx/passes/pass.h"

namespace onnxray {

namespace {

/// A Conv, ConvTranspose or Gemm without a bias.
bool lacks_bias(const Node& node) {
  if (!node.domain.empty() || (node.op != "Conv" && node.op != "ConvTranspose" && node.op != "Gemm"))
    return false;
  return node.inputs.size() < 3 || node.inputs[2] == kNoValue;
}

void match(GraphEdit& edit, Node& node) {
  const Graph& graph = edit.graph;
  for (size_t i = 0; i < 2; ++i) {
    const Node* linear = edit.producer(node.inputs[i]);
    const Tensor* c = graph.constant(node.inputs[1 - i]);
    if (linear == nullptr || c == nullptr || !lacks_bias(*linear) || !edit.used_once(node.inputs[i]))
      continue;
    const Shape& shape = *graph[node.outputs[0]].shape;
    const auto bias = along_axis(*c, shape.size(), 1, shape[1]);
    if (!bias || graph[node.inputs[i]].shape != shape) continue;
    const ValueId b =
        edit.add_constant(graph[node.inputs[1 - i]].name, from_doubles(c->dtype(), {shape[1]}, *bias));
    Attributes attributes = linear->attributes;
    attributes.erase("beta");
    edit.rewrite(node, linear->op, linear->opset, {linear->inputs[0], linear->inputs[1], b},
                 std::move(attributes));
    return;
  }
}

/// Whether a Squeeze, Unsqueeze or Reshape only adds or drops axes of extent 1 behind the channels.
bool keeps_channels(const Shape& from, const Shape& to) {
  if (from.size() < 2 || to.size() < 2 || from[0] != to[0] || from[1] != to[1]) return false;
  const auto spatial = [](Shape shape) {
    shape.erase(shape.begin(), shape.begin() + 2);
    std::erase(shape, 1);
    return shape;
  };
  return spatial(from) == spatial(to);
}

/// Add(Squeeze(linear), c), which TensorFlow's Conv1D becomes: the constant moves in front of the Squeeze.
void match_behind_squeeze(GraphEdit& edit, Node& node) {
  Graph& graph = edit.graph;
  for (size_t i = 0; i < 2; ++i) {
    const ValueId y = node.inputs[i];
    Node* shaped = edit.producer(y);
    const Tensor* c = graph.constant(node.inputs[1 - i]);
    if (shaped == nullptr || c == nullptr || !shaped->domain.empty()) continue;
    if (shaped->op != "Squeeze" && shaped->op != "Unsqueeze" && shaped->op != "Reshape") continue;
    Node* linear = edit.producer(shaped->inputs[0]);
    if (linear == nullptr || !lacks_bias(*linear) || !edit.used_once(y) || !edit.used_once(shaped->inputs[0]))
      continue;
    const Shape before = *graph[shaped->inputs[0]].shape, after = *graph[y].shape;
    if (!keeps_channels(before, after) || *graph[node.outputs[0]].shape != after) continue;
    const auto bias = along_axis(*c, after.size(), 1, after[1]);
    if (!bias) continue;
    const ValueId b =
        edit.add_constant(graph[node.inputs[1 - i]].name, from_doubles(c->dtype(), {after[1]}, *bias));
    merge_origin(linear->origin, node.origin);
    if (!edit.bypass(node, y)) return;
    edit.set_input(*linear, 2, b);
    linear->attributes.erase("beta");
    return;
  }
}

}  // namespace

/// The Add of one constant per channel after a linear node that has no bias becomes its bias.
bool add_to_bias(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op == "Add" && node.domain.empty()) match(edit, node);
    if (node.op == "Add" && node.domain.empty()) match_behind_squeeze(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
