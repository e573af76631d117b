#pragma once

#include <cstddef>
#include <cstdint>

namespace onnxray::cudnn {

/// memcpy by several threads where there is enough: one thread alone is slower than the bus to the device.
void copy_in_parallel(std::byte* to, const std::byte* from, int64_t bytes);

}  // namespace onnxray::cudnn
