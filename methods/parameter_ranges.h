#pragma once

#include <string_view>

namespace onnxray {

/// Throws Error(usage) that names the range where a parameter's text is a number out of its range, or should
/// be one and is not. `parameter`: its canonical name; `method`: for the message.
void check_parameter(std::string_view parameter, std::string_view text, std::string_view method);

}  // namespace onnxray
