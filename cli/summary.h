#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/onnxray.h"
#include "cli/options.h"

namespace onnxray::cli {

/// What `explain` prints: the top 5, the targets, a line per method. `labels` may be empty.
std::string summary_text(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels);
/// What each layer received under each LRP method, as tables; empty without Attribution::layers.
std::string layers_text(const Explanations& explanations);
/// The part of the score that did not arrive at the input: went to biases, or was absorbed. Unset where the
/// method does not share the score out, or there is none.
std::optional<double> share_lost(const Attribution& attribution, const ExplainedTarget& target,
                                 size_t sample);
/// The target as the options spell it.
const std::string& given_target(const Options& options, size_t k);
/// All of it as JSON.
std::string summary_json(const Explanations& explanations, const Options& options,
                         const std::vector<std::string>& labels, const std::string& backend);

}  // namespace onnxray::cli
