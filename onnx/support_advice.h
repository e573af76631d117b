#pragma once

#include <string>
#include <string_view>

namespace onnxray {

/// What a user can do about an operator that onnxray does not have.
std::string support_advice(std::string_view domain, std::string_view op);

}  // namespace onnxray
