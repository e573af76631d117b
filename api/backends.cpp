#include "api/backends.h"

#include <dlfcn.h>

#include "api/plugin_loader.h"
#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/fail.h"
#include "core/number_range.h"

namespace onnxray {

namespace {

constexpr const char* kCudnnPlugin = "onnxray_cudnn";

/// The cuDNN backend where a device answers, else null. The driver is looked for first: without one the
/// plug-in's large libraries need not be loaded.
std::unique_ptr<Backend> try_cudnn(const std::string& precision) {
  if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) return nullptr;
  try {
    return load_backend(kCudnnPlugin, {precision});
  } catch (const Error&) {
    return nullptr;
  }
}

void check_numbers(const SessionOptions& options) {
  constexpr double kMostThreads = 1024;  // each takes memory and a place in the system's table
  constexpr double kMostBytes = 1e18, kMostSamples = 1LL << 31;
  checked_number(options.threads, whole_numbers(0, kMostThreads), "threads");
  checked_number(static_cast<double>(options.max_memory), whole_numbers(0, kMostBytes), "max_memory");
  checked_number(static_cast<double>(options.samples_at_once), whole_numbers(0, kMostSamples),
                 "samples_at_once");
}

}  // namespace

std::unique_ptr<Backend> make_backend(const SessionOptions& options) {
  check_numbers(options);
  const std::string &name = options.backend, &precision = options.precision;
  if (name == "cudnn") return load_backend(kCudnnPlugin, {precision});
  if (name == "auto" && precision != "double") {
    if (auto cudnn = try_cudnn(precision)) return cudnn;
  }
  const bool is_double = precision == "double";
  require(
      is_double || precision == "fp32", ErrorCode::usage,
      "unknown precision '{}'; the choices are fp32 and double, and on the cudnn backend fp32, tf32 and bf16",
      precision);
  if (name == "reference" || (name == "auto" && is_double)) return make_reference_backend(is_double);
  if (name == "onednn" || name == "auto") {
    require(!is_double, ErrorCode::usage,
            "the onednn backend computes in fp32; use --backend reference for double");
    return make_onednn_backend(options.threads);
  }
  fail(ErrorCode::usage, "unknown backend '{}'; the choices are auto, onednn, reference and cudnn", name);
}

std::vector<std::string> backends() {
  std::vector<std::string> lines;
  const auto add = [&](const Backend& backend) {
    lines.push_back(fmt::format("{}: {}", backend.name(), backend.description()));
  };
  add(*make_onednn_backend(0));
  add(*make_reference_backend(false));
  if (const auto cudnn = try_cudnn("fp32")) add(*cudnn);
  return lines;
}

}  // namespace onnxray
