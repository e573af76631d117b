#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace onnxray::cli {

using Bytes = std::vector<uint8_t>;

/// The little-endian unsigned integer of `width` bytes at `offset`, which the caller has checked.
uint64_t load_little_endian(std::span<const uint8_t> bytes, size_t offset, size_t width);
void append_little_endian(Bytes& bytes, uint64_t value, size_t width);

/// What a compressed file may unpack to: 64 times its size, and a gigabyte where that is less.
uint64_t most_unpacked_bytes(uint64_t packed);

/// Text from a file made fit for an error message: short and printable.
std::string excerpt(std::string_view text);

}  // namespace onnxray::cli
