#pragma once

#include <memory>

#include "backends/cudnn/device.h"
#include "core/backend.h"

namespace onnxray::cudnn {

/// "fp32", "tf32" or "bf16". Throws Error(usage) that lists them.
Precision parse_precision(const std::string& text);

/// The backend on the first device. `tuner_cache`: see Tuner. Throws Error(failed) where there is no device.
std::unique_ptr<Backend> make_cudnn_backend(Precision precision, const std::string& tuner_cache);

}  // namespace onnxray::cudnn
