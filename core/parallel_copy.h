#pragma once

#include <cstddef>
#include <cstdint>

namespace onnxray {

/// memcpy by several threads where there is enough: one alone is slower than memory, and than the bus to a
/// device.
void copy_in_parallel(std::byte* to, const std::byte* from, int64_t bytes);

}  // namespace onnxray
