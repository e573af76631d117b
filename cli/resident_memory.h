#pragma once

#include <cstdint>

namespace onnxray::cli {

/// Bytes of this process in memory now, and at most since reset_peak_memory(); 0 where the system does not
/// tell.
int64_t resident_bytes();
int64_t peak_resident_bytes();

/// Starts the peak anew and hands freed memory back. Where the system does not allow it the peak stays the
/// process's.
void reset_peak_memory();

}  // namespace onnxray::cli
