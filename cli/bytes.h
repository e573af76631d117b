#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace onnxray::cli {

using Bytes = std::vector<uint8_t>;

/// The whole file. Throws Error(bad_file) where it cannot be read.
Bytes read_bytes(const std::string& path);

/// Throws Error(failed) where the file cannot be written.
void write_bytes(const std::string& path, std::span<const uint8_t> bytes);

/// The little-endian unsigned integer of `width` bytes at `offset`, which the caller has checked.
uint64_t load_little_endian(std::span<const uint8_t> bytes, size_t offset, size_t width);
void append_little_endian(Bytes& bytes, uint64_t value, size_t width);

/// Text from a file made fit for an error message: short and printable.
std::string excerpt(std::string_view text);

}  // namespace onnxray::cli
