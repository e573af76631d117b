#include "core/samples.h"

#include <algorithm>
#include <cctype>

namespace onnxray {

bool means_batch(const std::string& symbol) {
  std::string lower = symbol;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("batch") != std::string::npos || lower == "b" || lower == "bs";
}

}  // namespace onnxray
