#pragma once

#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// A --target: argmax | 3 | 3,7 | name:LABEL | [0,12,40] | @mask.npy. Throws Error(usage).
Target parse_target(const std::string& text, const std::vector<std::string>& labels);

}  // namespace onnxray::cli
