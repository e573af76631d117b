#include "cli/bytes.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/fail.h"

namespace onnxray::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

Bytes read_bytes(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  require(file != nullptr, ErrorCode::bad_file, "cannot open '{}': {}", path, std::strerror(errno));
  Bytes bytes;
  size_t length = 0;
  for (size_t got = 1; got > 0; length += got) {  // in steps, for a pipe does not know its size
    if (bytes.size() - length < (size_t{1} << 16)) bytes.resize(std::max(size_t{1} << 20, 2 * bytes.size()));
    got = std::fread(bytes.data() + length, 1, bytes.size() - length, file.get());
  }
  require(std::ferror(file.get()) == 0, ErrorCode::bad_file, "cannot read '{}': {}", path,
          std::strerror(errno));
  bytes.resize(length);
  return bytes;
}

void write_bytes(const std::string& path, std::span<const uint8_t> bytes) {
  File file(std::fopen(path.c_str(), "wb"));
  require(file != nullptr, ErrorCode::failed, "cannot write '{}': {}", path, std::strerror(errno));
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  const bool closed = std::fclose(file.release()) == 0;
  require(written && closed, ErrorCode::failed, "cannot write '{}': {}", path, std::strerror(errno));
}

uint64_t load_little_endian(std::span<const uint8_t> bytes, size_t offset, size_t width) {
  uint64_t value = 0;
  for (size_t i = width; i-- > 0;) value = (value << 8) | bytes[offset + i];
  return value;
}

void append_little_endian(Bytes& bytes, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

std::string excerpt(std::string_view text) {
  constexpr size_t kLongest = 40;
  std::string result = "'";
  for (const char c : text.substr(0, kLongest)) result += c >= ' ' && c <= '~' ? c : '?';
  return result + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace onnxray::cli
