#pragma once

#include <cstdint>

namespace onnxray::onednn {

/// The cache in front of memory, as the system tells (Linux); a modest guess where it does not. A virtual
/// machine's cpuid, which sysconf reads, may count all of the host's.
int64_t last_level_cache_bytes();

}  // namespace onnxray::onednn
