#include "core/parallel_copy.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace onnxray {

void copy_in_parallel(std::byte* to, const std::byte* from, int64_t bytes) {
  constexpr int64_t kPart = int64_t{4} << 20, kMostThreads = 8;
  const auto cores = static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  const int64_t parts = std::clamp<int64_t>(bytes / kPart, 1, std::min(cores, kMostThreads));
  const int64_t each = (bytes + parts - 1) / parts;
  const auto copy = [&](int64_t part) {
    const int64_t first = part * each, size = std::min(each, bytes - first);
    if (size > 0) std::memcpy(to + first, from + first, static_cast<size_t>(size));
  };
  std::vector<std::jthread> threads;
  for (int64_t part = 1; part < parts; ++part) threads.emplace_back(copy, part);
  copy(0);
}

}  // namespace onnxray
