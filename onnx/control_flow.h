#pragma once

#include <functional>
#include <string_view>

#include "core/graph.h"
#include "core/growth_budget.h"

namespace onnxray {

class Observer;

bool is_control_flow(std::string_view domain, std::string_view op);

/// Hands the nodes that an If, Loop or Scan stands for to `settle`, in order: the branch that its condition
/// takes, or its body once for each trip. `settle` infers a node and puts it into the graph, so that what one
/// trip computes of shapes alone is known to the next. Every node is spent from `budget`; where it is known
/// that all trips will be made, before the first. Where the data decides a condition or a number of trips it
/// is as `observer` sees it; without one Error(unsupported).
void unroll(Graph& graph, const Node& node, const std::function<void(Node)>& settle, GrowthBudget& budget,
            const Observer* observer = nullptr);

}  // namespace onnxray
