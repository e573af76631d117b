#include "methods/cam_layer.h"

#include <algorithm>

#include "core/fail.h"
#include "core/find_node.h"

namespace onnxray {

namespace {

/// The layers that SIGN-XAI's model suffixes stand for.
std::string layer_of_model(const std::string& model) {
  if (model == "VGG16ILSVRC") return "block5_conv3";
  if (model == "VGG16MITPL365") return "relu5_3";
  if (model == "MNISTCNN") return "conv2d_1";
  return {};
}

/// The activation's output that follows `value`, or `value` itself.
ValueId following_activation(const Graph& graph, const OpRegistry& ops, ValueId value) {
  constexpr std::string_view kBetween[] = {"BatchNormalization", "Identity", "Dropout", "Add"};
  ValueId at = value;
  for (;;) {
    const Node* reader = nullptr;
    for (const Node& node : graph.nodes) {
      if (std::ranges::find(node.inputs, at) == node.inputs.end()) continue;
      if (reader) return value;
      reader = &node;
    }
    if (!reader) return value;
    const OpDef* op = ops.find(reader->domain, reader->op);
    if (op && op->relevance == RelevanceClass::activation &&
        std::ranges::find(kBetween, reader->op) == std::end(kBetween))
      return reader->outputs[0];
    if (std::ranges::find(kBetween, reader->op) == std::end(kBetween)) return value;
    at = reader->outputs[0];
  }
}

}  // namespace

ValueId cam_layer(const MethodSpec& method, const Graph& graph, const OpRegistry& ops) {
  const std::string name = method.string("layer", layer_of_model(method.name.model));
  const std::string activation = method.string("activation", "after");
  require(activation == "after" || activation == "before", ErrorCode::usage,
          "activation={}: the choices are before and after", activation);
  const auto is_conv = [](const Node& node) { return node.op == "Conv"; };
  int32_t n = -1;
  if (!name.empty()) {
    n = find_node(graph, name);
    if (n < 0) {
      fail(ErrorCode::usage, "'{}': no layer is called '{}'; the nearest are {}; `onnxray inspect` lists all",
           method.text, name, fmt::join(nearest_names(graph, name), ", "));
    }
  } else {
    const auto last = std::find_if(graph.nodes.rbegin(), graph.nodes.rend(), is_conv);
    require(last != graph.nodes.rend(), ErrorCode::unsupported,
            "'{}': the model has no convolution; choose a layer by layer=NAME", method.text);
    n = static_cast<int32_t>(graph.nodes.rend() - last) - 1;
  }
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  return activation == "after" && is_conv(node) ? following_activation(graph, ops, node.outputs[0])
                                                : node.outputs[0];
}

}  // namespace onnxray
