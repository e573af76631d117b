#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onnxray {

/// The `count` of `known` that take the fewest edits to become `name`; for messages about unknown names.
std::vector<std::string> nearest(std::string_view name, std::vector<std::string> known, size_t count = 3);

}  // namespace onnxray
