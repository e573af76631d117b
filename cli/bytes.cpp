#include "cli/bytes.h"

#include <algorithm>

namespace onnxray::cli {
uint64_t load_little_endian(std::span<const uint8_t> bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = (value << 8) | bytes[offset + i];
  return value;
}

void append_little_endian(Bytes& bytes, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

uint64_t most_unpacked_bytes(uint64_t packed) {
  constexpr uint64_t kGigabyte = 1'000'000'000, kLargestRatio = 64;
  return std::max(kGigabyte, kLargestRatio * packed);
}

std::string excerpt(std::string_view text) {
  constexpr size_t kLongest = 40;
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) result += c >= ' ' && c <= '~' ? c : '?';
  return result + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace onnxray::cli
