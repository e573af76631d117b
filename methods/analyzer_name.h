#pragma once

#include "methods/method_name.h"

namespace onnxray {

/// The names that iNNvestigate's analyzers have, and SIGN-XAI's copies of them: "lrp.epsilon",
/// "lrp.alpha_2_beta_1_IB", "deep_taylor.bounded". Nothing where `name` is none of them.
std::optional<MethodName> parse_analyzer_name(std::string_view name);

}  // namespace onnxray
