#include "core/arena.h"

#include <algorithm>
#include <numeric>

namespace onnxray {

namespace {

constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

int64_t pack_arena(std::vector<Life>& lives) {
  std::vector<size_t> order(lives.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return lives[a].bytes > lives[b].bytes; });
  std::vector<size_t> placed;  // by ascending offset
  int64_t size = 0;
  for (const size_t i : order) {
    Life& life = lives[i];
    int64_t offset = 0;
    for (const size_t j : placed) {
      const Life& other = lives[j];
      if (other.last < life.first || life.last < other.first) continue;
      if (offset + aligned(life.bytes) <= other.offset) break;
      offset = std::max(offset, other.offset + aligned(other.bytes));
    }
    life.offset = offset;
    size = std::max(size, offset + aligned(life.bytes));
    const auto at = std::ranges::upper_bound(placed, offset, {}, [&](size_t j) { return lives[j].offset; });
    placed.insert(at, i);
  }
  return size;
}

}  // namespace onnxray
