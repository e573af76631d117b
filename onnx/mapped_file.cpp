#include "onnx/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/fail.h"
#include "onnx/quote.h"

namespace onnxray {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

std::string reason(int error) { return std::strerror(error); }

/// The components of a location, each of which is a plain name.
std::vector<std::string> components_of(const std::string& location) {
  require(!location.empty(), ErrorCode::bad_file, "external data has no location");
  require(location.find('\0') == std::string::npos && location.find('\\') == std::string::npos,
          ErrorCode::bad_file, "the external data location {} is not a plain relative path", quote(location));
  const std::filesystem::path path(location);
  require(path.is_relative(), ErrorCode::bad_file,
          "the external data location {} is absolute: it must lie beside the model", quote(location));
  std::vector<std::string> names;
  for (const auto& part : path) {
    if (part == "." || part.empty()) continue;
    require(part != "..", ErrorCode::bad_file,
            "the external data location {} leaves the model's folder through '..'", quote(location));
    names.push_back(part.string());
  }
  require(!names.empty(), ErrorCode::bad_file, "the external data location {} names no file",
          quote(location));
  return names;
}

Descriptor open_component(int folder, const std::string& name, bool last, const std::string& location) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const int flags = last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
  Descriptor result(::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  const int error = errno;
  if (result.get() >= 0) return result;
  struct stat info {};
  const bool is_link =
      ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
  require(
      !is_link, ErrorCode::bad_file,
      "the external data {} is reached through a symbolic link, which is refused: put the file itself there",
      quote(location));
  fail(ErrorCode::bad_file, "cannot open the external data {}: {}", quote(location), reason(error));
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  require(file.get() >= 0, ErrorCode::bad_file, "cannot open the file: {}", reason(errno));
  return std::shared_ptr<const MappedFile>(new MappedFile(file.get(), "the file", false));
}

std::shared_ptr<const MappedFile> MappedFile::open_inside(const std::filesystem::path& folder,
                                                          const std::string& location) {
  const auto names = components_of(location);
  Descriptor at(::open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  require(at.get() >= 0, ErrorCode::bad_file, "cannot open the folder of the external data: {}",
          reason(errno));
  for (size_t i = 0; i < names.size(); ++i) {
    at = open_component(at.get(), names[i], i + 1 == names.size(), location);
  }
  const std::string name = "the external data " + quote(location);
  return std::shared_ptr<const MappedFile>(new MappedFile(at.get(), name, true));
}

MappedFile::MappedFile(int descriptor, const std::string& name, bool single_link) {
  struct stat info {};
  require(::fstat(descriptor, &info) == 0, ErrorCode::bad_file, "cannot examine {}: {}", name, reason(errno));
  require(S_ISREG(info.st_mode), ErrorCode::bad_file, "{} is not a regular file", name);
  require(!single_link || info.st_nlink == 1, ErrorCode::bad_file,
          "{} has {} hard links, which is refused: put a copy there", name, info.st_nlink);
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0) return;
  void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  require(memory != MAP_FAILED, ErrorCode::bad_file, "cannot map {}: {}", name, reason(errno));
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace onnxray
