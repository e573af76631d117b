#pragma once

#include <span>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// By variable: whether it may be stored with one bit per element, the lowest of a byte first. Such are the
/// booleans that only elementwise steps write and read, element by element and, where `strides` are known, in
/// the order in which all their results lie.
std::vector<bool> find_bit_masks(const Program& program, std::span<const Strides> strides = {});

/// What so many bits take: whole words, so that a block of them can be read at once.
inline int64_t bytes_of_bits(int64_t count) { return (count + 63) / 64 * 8; }

}  // namespace onnxray
