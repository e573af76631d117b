#pragma once

#include "core/error.h"

namespace onnxray::cli {

/// What the command exits with (docs/cli.md).
int exit_code(ErrorCode code);

}  // namespace onnxray::cli
