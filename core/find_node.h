#pragma once

#include "core/graph.h"

namespace onnxray {

/// The node that `name` means: by a name of its own or of a node that it replaced, by a value that it writes,
/// or by the module path that it belongs to; of a module with several nodes the last, which is the module's
/// output. -1 where there is none.
int32_t find_node(const Graph& graph, std::string_view name);

/// The names that are the nearest to one that is unknown, for messages.
std::vector<std::string> nearest_names(const Graph& graph, std::string_view name);

/// A value by its own name, or the first output of the node that `name` means. Throws Error(usage) that names
/// the nearest.
ValueId find_value(const Graph& graph, std::string_view name);

}  // namespace onnxray
