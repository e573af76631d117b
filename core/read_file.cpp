#include "core/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/fail.h"

namespace onnxray {

namespace {

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

void check_is_regular(const struct stat& info, const std::string& path) {
  require(S_ISREG(info.st_mode), ErrorCode::bad_file, "'{}' is {}, not a file: save its contents to one",
          path, kind_of(info.st_mode));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

}  // namespace

std::vector<uint8_t> read_file(const std::string& path) {
  struct stat info {};
  const bool is_found = ::stat(path.c_str(), &info) == 0;
  require(is_found, ErrorCode::bad_file, "cannot open '{}': {}", path, std::strerror(errno));
  check_is_regular(info, path);
  // O_NONBLOCK, and looked at again: something else may have taken the file's place.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const bool is_open = file.get() >= 0 && ::fstat(file.get(), &info) == 0;
  require(is_open, ErrorCode::bad_file, "cannot open '{}': {}", path, std::strerror(errno));
  check_is_regular(info, path);
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, ErrorCode::bad_file, "cannot read '{}': {}", path, std::strerror(errno));
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

}  // namespace onnxray
