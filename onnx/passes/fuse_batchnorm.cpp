#include <algorithm>

#include "onnx/passes/affine.h"
#include "onnx/passes/constants.h"
#include "onnx/passes/linear_node.h"
#include "onnx/passes/pass.h"
#include "ops/op.h"

namespace onnxray {

namespace {

using Doubles = std::vector<double>;
constexpr ChannelAxes kChannels{1, 1};

bool differs(const Doubles& values, double neutral) {
  return std::ranges::any_of(values, [&](double v) { return v != neutral; });
}

bool is_uneven(const Doubles& values) {
  return std::ranges::adjacent_find(values, std::not_equal_to<>()) != values.end();
}

/// y = scale * (x - mean) + bias per channel.
struct Norm {
  Doubles scale, mean, bias;
  bool is_scaled = false, is_moved = false;  // by some node
  bool varies = false;                       // between channels

  explicit Norm(int64_t channels)
      : scale(static_cast<size_t>(channels), 1), mean(scale.size(), 0), bias(scale.size(), 0) {}

  /// y = f y + o. What is added before anything is scaled is the mean, as it was in the model: rules tell it
  /// from the bias.
  void then(const Affine& affine, bool scales) {
    for (size_t c = 0; c < scale.size(); ++c) {
      if (!is_scaled && !scales) mean[c] -= affine.offset[c];
      scale[c] *= affine.factor[c];
      bias[c] *= affine.factor[c];
      if (is_scaled || scales) bias[c] += affine.offset[c];
    }
    is_scaled = is_scaled || scales;
    is_moved = is_moved || differs(affine.offset, 0);
    varies = varies || is_uneven(affine.factor) || is_uneven(affine.offset);
  }

  /// A node of the chain, whose map is `affine`.
  void then(const Graph& graph, const Node& node, Affine affine) {
    if (node.op != "BatchNormalization") return then(affine, differs(affine.factor, 1));
    Affine centring{Doubles(scale.size(), 1), graph.constant(node.inputs[3])->to_doubles()};
    for (size_t c = 0; c < scale.size(); ++c) {
      affine.offset[c] += affine.factor[c] * centring.offset[c];
      centring.offset[c] *= -1;
    }
    then(centring, false);
    then(affine, true);
  }
};

/// The affine nodes that end in `last`, the last first; each but `last` is read by the next alone.
std::vector<const Node*> chain(const GraphEdit& edit, const Node& last) {
  std::vector<const Node*> nodes;
  for (const Node* node = &last; node != nullptr;) {
    const auto operand = affine_operand(edit, *node);
    if (!operand) break;
    nodes.push_back(node);
    const ValueId x = node->inputs[*operand];
    node = edit.used_once(x) ? edit.producer(x) : nullptr;
  }
  return nodes;
}

/// Whether values like `x` are what a layer of a net yields, so that constants for its channels are a layer
/// too: not the model's input, whose constants prepare it, nor the quotient of a normalisation written out.
bool is_feature(const GraphEdit& edit, ValueId x) {
  const Node* node = edit.producer(x);
  while (node != nullptr && (keeps_order(*node) || node->op == "Transpose"))
    node = edit.producer(node->inputs[0]);
  const OpDef* op = node != nullptr ? OpRegistry::builtin().find(node->domain, node->op) : nullptr;
  if (op == nullptr) return false;
  using enum RelevanceClass;
  return op->relevance == linear || op->relevance == sum || op->relevance == activation ||
         op->relevance == routing;
}

bool match(GraphEdit& edit, Node& last) {
  std::vector<const Node*> nodes = chain(edit, last);
  const Shape shape = *edit.graph[last.outputs[0]].shape;
  if (nodes.empty() || shape.size() < 2) return false;
  Norm norm(shape[1]);
  // From where a constant varies along another axis on, what is before it stays.
  std::vector<Affine> maps;
  for (const Node* node : nodes) {
    auto affine = affine_of(edit, *node, kChannels, shape[1]);
    if (!affine) break;
    maps.push_back(std::move(*affine));
  }
  if (maps.empty()) return false;
  nodes.resize(maps.size());
  for (size_t i = maps.size(); i-- > 0;) norm.then(edit.graph, *nodes[i], std::move(maps[i]));
  const ValueId x = nodes.back()->inputs[*affine_operand(edit, *nodes.back())];
  const Node* source = edit.producer(x);
  if (!norm.is_scaled || !norm.is_moved || source == nullptr) return false;
  const auto linear = LinearNode::of(edit.graph, *source);
  const bool behind_linear = linear && linear->channels().first == 1;
  if (!behind_linear && !(norm.varies && is_feature(edit, x))) return false;
  const std::string name = edit.graph[last.outputs[0]].name;
  const DType dtype = *edit.graph[x].dtype;
  const auto parameter = [&](const char* part, const Doubles& values) {
    return edit.add_constant(name + part, from_doubles(dtype, {shape[1]}, values));
  };
  const ValueId scale = parameter("/scale", norm.scale), bias = parameter("/bias", norm.bias),
                mean = parameter("/mean", norm.mean),
                variance = parameter("/variance", Doubles(norm.scale.size(), 1));
  edit.rewrite(last, "BatchNormalization", 15, {x, scale, bias, mean, variance}, {{"epsilon", 0.0}});
  return true;
}

}  // namespace

/// A product by a constant per channel and a sum with one, in any order and number, are BatchNormalization:
/// behind a linear node, and elsewhere inside a net where they differ between channels.
bool fuse_batchnorm(Graph& graph, const PassOptions&) {
  GraphEdit edit(graph);
  for (Node& node : graph.nodes) {
    edit.refresh(node);
    if (node.op != "BatchNormalization") match(edit, node);
  }
  return edit.apply();
}

}  // namespace onnxray
