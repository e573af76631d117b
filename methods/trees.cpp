#include "methods/trees.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace onnxray {

namespace {

/// By value, whether it comes of one of these.
std::vector<bool> come_of(const Graph& graph, const std::vector<ValueId>& origins) {
  std::vector<bool> comes(graph.values.size(), false);
  for (const ValueId id : origins) comes[static_cast<size_t>(id)] = true;
  const auto does = [&](ValueId id) { return id != kNoValue && comes[static_cast<size_t>(id)]; };
  for (const Node& node : graph.nodes) {
    if (!std::ranges::any_of(node.inputs, does)) continue;
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) comes[static_cast<size_t>(id)] = true;
    }
  }
  return comes;
}

/// By value, whether `output` comes of it.
std::vector<bool> lead_to(const Graph& graph, ValueId output) {
  std::vector<bool> leads(graph.values.size(), false);
  leads[static_cast<size_t>(output)] = true;
  const auto does = [&](ValueId id) { return id != kNoValue && leads[static_cast<size_t>(id)]; };
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (!std::ranges::any_of(graph.nodes[n].outputs, does)) continue;
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) leads[static_cast<size_t>(id)] = true;
    }
  }
  return leads;
}

}  // namespace

std::optional<Assumption> assumption_of_trees(const Graph& graph, const std::vector<ValueId>& explained,
                                              ValueId output, std::span<const MethodSpec> methods) {
  using enum MethodName::Family;
  const auto moves_inputs = [](const MethodSpec& method) {
    return method.name.family == occlusion || method.name.family == random_uniform;
  };
  const auto is_forest = [](const Node& node) { return node.op == "Forest"; };
  if (std::ranges::all_of(methods, moves_inputs) || std::ranges::none_of(graph.nodes, is_forest)) return {};
  const std::vector<bool> comes = come_of(graph, explained), leads = lead_to(graph, output);
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) {
    const bool lies_between = is_forest(node) && comes[static_cast<size_t>(node.outputs[0])] &&
                              leads[static_cast<size_t>(node.outputs[0])];
    if (lies_between)
      names.push_back(fmt::format("'{}'", node.origin.names.empty() ? node.op : node.origin.names.front()));
  }
  if (names.empty()) return {};
  return Assumption{fmt::format("trees {}", fmt::join(names, ", ")), "constant, with no share in a map",
                    "between thresholds they have no slope; the method occlusion shows what they read"};
}

}  // namespace onnxray
