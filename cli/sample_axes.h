#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace onnxray::cli {

/// Every --sample-axis: NAME=K, or NAME=none. Throws Error(usage).
std::map<std::string, std::optional<int64_t>> parse_sample_axes(const std::vector<std::string>& given);

}  // namespace onnxray::cli
