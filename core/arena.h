#pragma once

#include <cstdint>
#include <vector>

namespace onnxray {

/// A block of memory needed from step `first` to step `last`, both included.
struct Life {
  int64_t bytes = 0;
  int64_t first = 0, last = 0;
  int64_t offset = 0;  ///< found by pack_arena
};

/// Gives every life an offset (a multiple of 64) so that lives that overlap in time do not overlap in memory.
/// Returns the size of the arena. Greedy: the largest first, each at the lowest place that fits.
int64_t pack_arena(std::vector<Life>& lives);

}  // namespace onnxray
