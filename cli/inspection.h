#pragma once

#include <string>

#include "api/onnxray.h"

namespace onnxray::cli {

/// What `inspect --json` prints, and a dry run reports: what each node gets under a method, the primitives.
std::string inspection_json(const Model& model, const Inspection& inspection, const std::string& method);

}  // namespace onnxray::cli
