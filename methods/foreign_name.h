#pragma once

#include <string>

#include "methods/method_name.h"

namespace onnxray {

/// A method as Captum, Zennit, iNNvestigate or another library calls it where it is the same here:
/// "IntegratedGradients", "captum.attr.InputXGradient", "EpsilonPlusFlat", "LRPAlpha1Beta0". Nothing where
/// `name` is none of them.
std::optional<MethodName> parse_foreign_name(std::string_view name);

/// Which methods here are the nearest to one of another library that is not, and how they differ; empty where
/// `name` is none of them.
std::string advice_on_foreign_name(std::string_view name);

}  // namespace onnxray
