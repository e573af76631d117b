#pragma once

#include <span>
#include <string>

#include "core/samples.h"
#include "ops/op.h"

namespace onnxray {

/// `wide` is the model of `graph` specialised for `count` times its samples. Why `values` of it are not,
/// sample by sample, what they are in `graph`: empty where they are. `samples` says which axis of the inputs
/// and the values that is in both; without it the samples come first.
std::string why_not_wide(const Graph& graph, const Graph& wide, int64_t count, const OpRegistry& ops,
                         std::span<const ValueId> values, const Samples& samples);
std::string why_not_wide(const Graph& graph, const Graph& wide, int64_t count, const OpRegistry& ops,
                         std::span<const ValueId> values);

/// Gives constants of `wide` the memory of equal constants of `graph`.
void share_constants(const Graph& graph, Graph& wide);

}  // namespace onnxray
