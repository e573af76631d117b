#pragma once

#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// A --target (docs/targets.md): argmax | argmax[RANGES] | argmax:axis=K | argmax:axis=K[RANGES] | 3 | 3,7 |
/// name:LABEL | [0,12,40] | [RANGES] | @mask.npy, where RANGES are numpy's, one per axis. Throws
/// Error(usage).
Target parse_target(const std::string& text, const std::vector<std::string>& labels);

}  // namespace onnxray::cli
