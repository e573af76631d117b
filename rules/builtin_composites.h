#pragma once

#include <map>

#include "rules/composite.h"

namespace onnxray {

/// What a built-in composite may be told: "epsilon", "gamma", "beta", "until"; bounds of the input.
struct CompositeOptions {
  std::map<std::string, double, std::less<>> numbers = {};
  std::vector<double> low = {}, high = {};
};

/// A composite by name, as the list below, Zennit or iNNvestigate writes it: "epsilon_plus", "EpsilonPlus",
/// "lrp.sequential_preset_a". Throws Error(usage) that lists them.
Composite builtin_composite(std::string_view name, const CompositeOptions& options = {});
std::vector<std::string_view> builtin_composite_names();
/// Whether `name` is Zennit's own spelling of one of its composites, the name of its class.
bool is_zennit_spelling(std::string_view name);

}  // namespace onnxray
