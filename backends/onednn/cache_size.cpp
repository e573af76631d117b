#include "backends/onednn/cache_size.h"

#include <fmt/format.h>

#include <fstream>

namespace onnxray::onednn {

int64_t last_level_cache_bytes() {
  constexpr int64_t kGuess = int64_t{16} << 20;
  int64_t last = 0;
  for (int index = 0;; ++index) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    int64_t kilobytes = 0;  // "32768K"
    if (!(file >> kilobytes)) break;
    last = kilobytes << 10;
  }
  return last > 0 ? last : kGuess;
}

}  // namespace onnxray::onednn
