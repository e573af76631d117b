#pragma once

#include "methods/method.h"

namespace onnxray {

/// The composite that the switch deep_taylor stands for: epsilon (SignXAI's proxy) or z_plus (iNNvestigate).
Composite deep_taylor_composite(const MethodSpec& method);
std::vector<Var> emit_deep_taylor(const MethodSpec& method, const MethodContext& context);

}  // namespace onnxray
