#include "methods/cam_layer.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

namespace {

/// Whether one of the parts of "a/b/c" is `part`, or all of it is.
bool has_part(std::string_view path, std::string_view part) {
  if (path == part) return true;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == part) return true;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return false;
}

bool is_called(const Graph& graph, const Node& node, const std::string& name) {
  const auto matches = [&](const std::string& known) { return has_part(known, name); };
  const auto& [names, scopes] = node.origin;
  return std::ranges::any_of(names, matches) || std::ranges::find(scopes, name) != scopes.end() ||
         std::ranges::any_of(node.outputs,
                             [&](ValueId id) { return id != kNoValue && graph[id].name == name; });
}

/// The last node that passes, or -1.
template <class Predicate>
int32_t last_node(const Graph& graph, Predicate passes) {
  for (auto n = static_cast<int32_t>(graph.nodes.size()); n-- > 0;) {
    if (passes(graph.nodes[static_cast<size_t>(n)])) return n;
  }
  return -1;
}

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
  const auto named = [&](const Node& node) {
    return name.empty() ? is_conv(node) : is_called(graph, node, name);
  };
  const int32_t n = last_node(graph, named);
  require(n >= 0 || name.empty(), ErrorCode::usage,
          "'{}': no layer is called '{}'; `onnxray inspect` lists the names", method.text, name);
  require(n >= 0, ErrorCode::unsupported, "'{}': the model has no convolution; choose a layer by layer=NAME",
          method.text);
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  return activation == "after" && is_conv(node) ? following_activation(graph, ops, node.outputs[0])
                                                : node.outputs[0];
}

}  // namespace onnxray
