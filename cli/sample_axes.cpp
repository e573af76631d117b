#include "cli/sample_axes.h"

#include <charconv>

#include "core/fail.h"

namespace onnxray::cli {

std::map<std::string, std::optional<int64_t>> parse_sample_axes(const std::vector<std::string>& given) {
  std::map<std::string, std::optional<int64_t>> axes;
  for (const std::string& text : given) {
    const size_t equals = text.rfind('=');
    const std::string name = text.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    std::optional<int64_t> axis;
    if (value != "none") {
      int64_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      require(!name.empty() && error == std::errc() && end == value.data() + value.size(), ErrorCode::usage,
              "--sample-axis '{}': expected NAME=K with the number of an axis, or NAME=none", text);
      axis = number;
    }
    require(axes.try_emplace(name, axis).second, ErrorCode::usage, "--sample-axis {} is given twice", name);
  }
  return axes;
}

}  // namespace onnxray::cli
