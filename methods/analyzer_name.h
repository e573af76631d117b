#pragma once

#include "methods/method_name.h"

namespace onnxray {

/// The names that iNNvestigate's analyzers have, and SIGN-XAI's copies of them: "lrp.epsilon",
/// "lrp.alpha_2_beta_1_IB", "deep_taylor.bounded". Nothing where `name` is none of them.
std::optional<MethodName> parse_analyzer_name(std::string_view name);

/// The same for one of these names by its plain form (rules/plain_name.h), as classes have it:
/// "lrpalpha2beta1ib".
std::optional<MethodName> parse_plain_analyzer_name(std::string_view plain);

}  // namespace onnxray
