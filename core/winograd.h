#pragma once

#include "core/program.h"

/// Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016), as far as it is counted from shapes: tiles
/// of 4x4 results, each with 36 numbers per channel of either side.
namespace onnxray {

/// The mark of a step that may have one, else null.
bool* winograd_mark(Step& step);
bool is_winograd(const Step& step);

/// Whether the step is one that the filtering computes, and sooner than direct sums.
bool gains_by_winograd(const Program& program, const Step& step);

/// Of y [N, M, H, W].
int64_t winograd_tiles(const Shape& y);
/// How many fit into `bytes` of numbers of `real_size` bytes, for `channels` of both sides; at least 16.
int64_t winograd_tiles_in(int64_t bytes, int64_t channels, int64_t real_size);

}  // namespace onnxray
