#pragma once

#include <optional>
#include <span>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// Attributions by method and target: those of one group share one score out among the inputs.
std::vector<std::span<const Attribution>> by_method(const Explanations& explanations);

/// By sample, the part of the score that arrived at none of the inputs: went to biases, or was absorbed.
/// Unset where the score is 0 or a sum is not finite; empty where the attributions share nothing out, or an
/// input's are not by sample.
std::vector<std::optional<double>> share_lost(std::span<const Attribution> group,
                                              const ExplainedTarget& target);

}  // namespace onnxray::cli
