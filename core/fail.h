#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace onnxray {

/// Throws an Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws unless `condition` holds. For conditions on user input; programming errors use assert.
template <class... Args>
void require(bool condition, ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(code, format, std::forward<Args>(args)...);
}

}  // namespace onnxray
