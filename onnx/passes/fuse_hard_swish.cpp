#include "onnx/passes/constants.h"
#include "onnx/passes/pass.h"
#include "onnx/passes/product.h"

namespace onnxray {

namespace {

bool is_clip_0_6(const GraphEdit& edit, const Node& clip) {
  const auto bound = [&](std::string_view name, size_t i) -> std::optional<double> {
    if (has_attribute(clip, name)) return float_attribute(clip, name, 0);
    return i < clip.inputs.size() ? scalar_constant(edit.graph, clip.inputs[i]) : std::nullopt;
  };
  const auto low = bound("min", 1), high = bound("max", 2);
  return low && high && *low == 0 && *high == 6;
}

/// The x of clip(x + 3, 0, 6), or kNoValue.
ValueId relu6_argument(const GraphEdit& edit, const Node& clip) {
  if (!is_clip_0_6(edit, clip)) return kNoValue;
  const Node* add = edit.producer(clip.inputs[0], "Add");
  if (add == nullptr || !edit.used_once(clip.inputs[0])) return kNoValue;
  return other_term(edit, *add, 3);
}

bool same_shape(const Graph& graph, ValueId a, ValueId b) { return graph[a].shape == graph[b].shape; }

/// clip(x + 3, 0, 6) / 6 is HardSigmoid; multiplied by x it is HardSwish.
bool match_clip(GraphEdit& edit, Node& node) {
  const ValueId y = node.outputs[0];
  const Product p = multiply_out(edit, y);
  if (!nearly(p.coefficient, 1.0 / 6) || p.factors.empty() || p.factors.size() > 2) return false;
  for (size_t i = 0; i < p.factors.size(); ++i) {
    const Node* clip = edit.producer(p.factors[i], "Clip");
    if (clip == nullptr || !edit.used_once(p.factors[i])) continue;
    const ValueId x = relu6_argument(edit, *clip);
    if (x == kNoValue || !same_shape(edit.graph, x, y)) continue;
    if (p.factors.size() == 1) {
      edit.rewrite(node, "HardSigmoid", 6, {x}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
      return true;
    }
    if (p.factors[1 - i] != x) continue;
    edit.rewrite(node, "HardSwish", 14, {x}, {});
    return true;
  }
  return false;
}

/// x * HardSigmoid(x) with alpha = 1/6 and beta = 1/2.
void match_hard_sigmoid(GraphEdit& edit, Node& node) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId gate = node.inputs[i], x = node.inputs[1 - i];
    const Node* hard = edit.producer(gate, "HardSigmoid");
    if (hard == nullptr || !edit.used_once(gate) || hard->inputs[0] != x) continue;
    if (!nearly(float_attribute(*hard, "alpha", 0.2), 1.0 / 6) ||
        !nearly(float_attribute(*hard, "beta", 0.5), 0.5))
      continue;
    edit.rewrite(node, "HardSwish", 14, {x}, {});
    return;
  }
}

}  // namespace

bool fuse_hard_swish(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (!node.domain.empty() || (node.op != "Mul" && node.op != "Div")) continue;
    if (!match_clip(edit, node) && node.op == "Mul") match_hard_sigmoid(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
