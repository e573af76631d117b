#pragma once

#include <optional>
#include <span>

#include "core/assumption.h"
#include "core/graph.h"
#include "methods/method_spec.h"

namespace onnxray {

/// Trees between what is explained and the output pass nothing backward, for they have no slope: the
/// assumption that says so. Nothing where there are none, or where all methods move the inputs themselves.
std::optional<Assumption> assumption_of_trees(const Graph& graph, const std::vector<ValueId>& explained,
                                              ValueId output, std::span<const MethodSpec> methods);

}  // namespace onnxray
