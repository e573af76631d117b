#pragma once

#include <memory>

#include "api/onnxray.h"
#include "core/backend.h"

namespace onnxray {

/// Makes the backend that the options name. Throws Error(usage) that lists the choices.
std::unique_ptr<Backend> make_backend(const SessionOptions& options);

}  // namespace onnxray
