#pragma once

#include <string>
#include <vector>

#include "api/onnxray.h"
#include "methods/method_spec.h"

namespace onnxray {

/// What to know about maps that show nothing, for some samples: explanations that are zero, class activation
/// maps that are the same everywhere.
std::vector<std::string> notes_on_maps(const std::vector<MethodSpec>& methods,
                                       const std::vector<Attribution>& attributions);

}  // namespace onnxray
