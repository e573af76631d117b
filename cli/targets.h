#pragma once

#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// A --target: argmax | 3 | 3,7 | name:LABEL | [0,12,40] | @mask.npy. `output` is the shape of what is explained, with its
/// batch axis; an index tuple needs it. Throws Error(usage).
Target parse_target(const std::string& text, const std::vector<std::string>& labels, const Shape& output);

}  // namespace onnxray::cli
