#pragma once

#include <cstdint>

namespace onnxray {

/// Bytes that this process can have at most: what the machine holds, or a limit on the process where that is
/// lower.
int64_t machine_memory();

}  // namespace onnxray
