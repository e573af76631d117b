#include "methods/cam_layer.h"

#include <algorithm>

#include "core/fail.h"
#include "core/find_node.h"
#include "methods/grid_layers.h"

namespace onnxray {

namespace {

/// The layers that SIGN-XAI's model suffixes stand for.
std::string layer_of_model(const std::string& model) {
  if (model == "VGG16ILSVRC") return "block5_conv3";
  if (model == "VGG16MITPL365") return "relu5_3";
  if (model == "MNISTCNN") return "conv2d_1";
  return {};
}

bool is_convolution(const Node& node) { return node.op == "Conv" || node.op == "ConvTranspose"; }

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
    const bool between =
        is_grid(ops, *reader) || std::ranges::find(kBetween, reader->op) != std::end(kBetween);
    if (op && op->relevance == RelevanceClass::activation && !between) return reader->outputs[0];
    if (!between) return value;
    at = reader->outputs[0];
  }
}

ValueId named_layer(const MethodSpec& method, const MethodContext& context, const std::string& name,
                    bool after) {
  const Graph& graph = context.graph;
  const int32_t n = find_node(graph, name);
  if (n < 0) {
    fail(ErrorCode::usage, "'{}': no layer is called '{}'; the nearest are {}; `onnxray inspect` lists all",
         method.text, name, fmt::join(nearest_names(graph, name), ", "));
  }
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  return after && is_convolution(node) ? following_activation(graph, context.ops, node.outputs[0])
                                       : node.outputs[0];
}

bool has_places(const Graph& graph, ValueId id) {
  const Shape& shape = *graph[id].shape;
  return count_between(shape, 2, shape.size()) > 1;
}

const Node& writer(const Graph& graph, ValueId id) {
  return graph.nodes[static_cast<size_t>(graph.producers()[static_cast<size_t>(id)])];
}

/// The last of the layers that passes, or kNoValue.
template <class Predicate>
ValueId last(const std::vector<ValueId>& layers, Predicate passes) {
  const auto found = std::find_if(layers.rbegin(), layers.rend(), passes);
  return found == layers.rend() ? kNoValue : *found;
}

/// The value by the name of its node.
std::string described(const Graph& graph, ValueId id) {
  const Node& node = writer(graph, id);
  return fmt::format("'{}' {}", node.origin.names.empty() ? graph[id].name : node.origin.names[0],
                     to_string(*graph[id].shape));
}

}  // namespace

ValueId cam_layer(const MethodSpec& method, const MethodContext& context) {
  const Graph& graph = context.graph;
  const std::string name = method.string("layer", layer_of_model(method.name.model));
  const std::string activation = method.string("activation", "after");
  require(activation == "after" || activation == "before", ErrorCode::usage,
          "activation={}: the choices are before and after", activation);
  const bool after = activation == "after";
  if (!name.empty()) return named_layer(method, context, name, after);
  const GridLayers grid = grid_layers(graph, context.ops, context.explained, context.logits_value);
  const auto fits = [&](ValueId id) { return after || is_convolution(writer(graph, id)); };
  ValueId chosen = last(grid.layers, [&](ValueId id) { return fits(id) && has_places(graph, id); });
  std::string why = "the last layer with several places that leads to the target";
  // A transformer's last grid is its patches, before any of its layers has looked at them.
  if (grid.mixes_places_later) why += "; behind it places attend to each other";
  if (chosen == kNoValue) {
    chosen = last(grid.layers, fits);
    why = "no layer that leads to the target has several places, so the map is the same everywhere";
  }
  require(chosen != kNoValue, ErrorCode::unsupported,
          "'{}': the model has no convolution that leads to the target; choose a layer by layer=NAME",
          method.text);
  const auto convolution = std::find_if(graph.nodes.rbegin(), graph.nodes.rend(), is_convolution);
  const bool plain = !grid.mixes_places_later && convolution != graph.nodes.rend() &&
                     has_places(graph, chosen) &&
                     (chosen == convolution->outputs[0] ||
                      chosen == following_activation(graph, context.ops, convolution->outputs[0]));
  context.assume(
      {"layer of " +
           std::string(method.name.family == MethodName::Family::grad_cam ? "grad_cam" : "guided_grad_cam"),
       described(graph, chosen), why, "layer", plain});
  return chosen;
}

}  // namespace onnxray
