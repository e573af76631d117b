#pragma once

#include <string>
#include <vector>

#include "methods/method_spec.h"

namespace onnxray {

/// What to know about a map that shows nothing: a class activation map that is zero, or the same everywhere,
/// for some samples.
std::vector<std::string> notes_on_map(const MethodSpec& method, const Tensor& map);

}  // namespace onnxray
