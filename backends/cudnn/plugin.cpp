#include "core/plugin.h"

#include <cstring>

#include "backends/cudnn/backend.h"
#include "backends/cudnn/tuner.h"

namespace onnxray {

namespace {

std::unique_ptr<Backend> make(const PluginOptions& options) {
  return cudnn::make_cudnn_backend(cudnn::parse_precision(options.precision), cudnn::default_tuner_cache());
}

constexpr BackendPlugin kPlugin{"cudnn", &make};

}  // namespace

extern "C" __attribute__((visibility("default"))) const BackendPlugin* onnxray_backend_entry(
    int abi, const char* build_id) {
  return abi == kPluginAbi && std::strcmp(build_id, ONNXRAY_BUILD_ID) == 0 ? &kPlugin : nullptr;
}

}  // namespace onnxray
