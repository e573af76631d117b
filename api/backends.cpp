#include "api/backends.h"

#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/fail.h"

namespace onnxray {

std::unique_ptr<Backend> make_backend(const SessionOptions& options) {
  const bool is_double = options.precision == "double";
  require(is_double || options.precision == "fp32", ErrorCode::usage,
          "unknown precision '{}'; the choices are fp32 and double", options.precision);
  const std::string& name = options.backend;
  if (name == "reference" || (name == "auto" && is_double)) return make_reference_backend(is_double);
  if (name == "onednn" || name == "auto") {
    require(!is_double, ErrorCode::usage,
            "the onednn backend computes in fp32; use --backend reference for double");
    return make_onednn_backend(options.threads);
  }
  fail(ErrorCode::usage, "unknown backend '{}'; the choices are auto, onednn and reference", name);
}

std::vector<std::string> backends() {
  std::vector<std::string> lines;
  for (const auto& backend : {make_onednn_backend(0), make_reference_backend(false)}) {
    lines.push_back(fmt::format("{}: {}", backend->name(), backend->description()));
  }
  return lines;
}

}  // namespace onnxray
