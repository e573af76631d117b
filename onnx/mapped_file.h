#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace onnxray {

/// A regular file mapped read-only for as long as the object lives.
class MappedFile {
 public:
  /// A file that the user named. Error(bad_file) where it cannot be read.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  /// A file that a model named, which must lie in `folder`: absolute locations, `..`, symbolic links in
  /// any component and files with more than one hard link are Error(bad_file), for a model must not make
  /// us read what its author could not (ONNX, ExternalDataSecurity.md).
  static std::shared_ptr<const MappedFile> open_inside(const std::filesystem::path& folder,
                                                       const std::string& location);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(int descriptor, const std::string& name, bool single_link);

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace onnxray
