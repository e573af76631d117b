#include "rules/relu_override.h"

namespace onnxray {

namespace {

class GuidedRule final : public Rule {
 public:
  std::string name() const override { return "guided"; }
  void emit(NodeContext& context) const override {
    // g is the sum over all readers of the output, so the sum is what is clipped.
    const std::vector<Var> shares = context.adjoint(context.b.max(context.cotangent(), 0.0));
    for (size_t i = 0; i < shares.size(); ++i) context.send(i, shares[i]);
  }
};

class DeconvRule final : public Rule {
 public:
  std::string name() const override { return "deconv"; }
  void emit(NodeContext& context) const override {
    Builder& b = context.b;
    if (context.wants(0))
      context.send(0, b.sum_to_shape(b.max(context.cotangent(), 0.0), b.shape(context.input(0))));
  }
};

/// The lower bound of a Clip: an attribute up to opset 6, an input later; none is no bound.
bool clips_at_zero(const Graph& graph, const Node& node) {
  if (node.inputs.size() > 1 && node.inputs[1] != kNoValue) {
    const Tensor* low = graph.constant(node.inputs[1]);
    return low && low->size() == 1 && low->as_double(0) == 0;
  }
  return has_attribute(node, "min") && float_attribute(node, "min", 0) == 0;
}

}  // namespace

std::unique_ptr<Rule> make_relu_override(ReluOverride kind) {
  if (kind == ReluOverride::guided) return std::make_unique<GuidedRule>();
  return std::make_unique<DeconvRule>();
}

bool is_rectifier(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return false;
  if (node.op == "Clip") return clips_at_zero(graph, node);
  return node.op == "Relu" || node.op == "LeakyRelu" || node.op == "PRelu";
}

}  // namespace onnxray
