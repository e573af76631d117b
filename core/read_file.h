#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onnxray {

/// All of a regular file. Throws Error(bad_file) where it cannot be read, and for folders, devices, pipes and
/// sockets, which are not opened: they could block, or never end.
std::vector<uint8_t> read_file(const std::string& path);

}  // namespace onnxray
