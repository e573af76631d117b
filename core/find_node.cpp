#include "core/find_node.h"

#include <algorithm>

#include "core/fail.h"
#include "core/nearest.h"

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

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// The last node that passes, or -1.
template <class Predicate>
int32_t last_node(const Graph& graph, Predicate passes) {
  for (auto n = static_cast<int32_t>(graph.nodes.size()); n-- > 0;) {
    if (passes(graph.nodes[static_cast<size_t>(n)])) return n;
  }
  return -1;
}

std::vector<std::string> all_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const InputInfo& input : graph.inputs) names.push_back(graph[input.value].name);
  for (const Node& node : graph.nodes) {
    names.insert(names.end(), node.origin.names.begin(), node.origin.names.end());
    names.insert(names.end(), node.origin.scopes.begin(), node.origin.scopes.end());
  }
  return names;
}

}  // namespace

int32_t find_node(const Graph& graph, std::string_view name) {
  const auto writes = [&](const Node& node) {
    return std::ranges::any_of(node.outputs,
                               [&](ValueId id) { return id != kNoValue && graph[id].name == name; });
  };
  // From the surest to the vaguest: a module path may also be a part of another node's name.
  int32_t n = last_node(graph, writes);
  if (n < 0) n = last_node(graph, [&](const Node& node) { return contains(node.origin.names, name); });
  if (n < 0) n = last_node(graph, [&](const Node& node) { return contains(node.origin.scopes, name); });
  if (n >= 0) return n;
  return last_node(graph, [&](const Node& node) {
    return std::ranges::any_of(node.origin.names,
                               [&](const std::string& known) { return has_part(known, name); });
  });
}

std::vector<std::string> nearest_names(const Graph& graph, std::string_view name) {
  return nearest(name, all_names(graph));
}

ValueId find_value(const Graph& graph, std::string_view name) {
  for (const InputInfo& input : graph.inputs) {
    if (graph[input.value].name == name) return input.value;
  }
  const int32_t n = find_node(graph, name);
  if (n < 0) {
    fail(ErrorCode::usage,
         "no node, value or module is called '{}'; the nearest are {}; `onnxray inspect` lists all", name,
         fmt::join(nearest_names(graph, name), ", "));
  }
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  // A value that is written beside others, by its own name.
  const auto own = std::ranges::find_if(node.outputs,
                                        [&](ValueId id) { return id != kNoValue && graph[id].name == name; });
  if (own != node.outputs.end()) return *own;
  return *std::ranges::find_if(node.outputs, [](ValueId id) { return id != kNoValue; });
}

}  // namespace onnxray
