#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/bytes.h"

namespace onnxray::cli {

/// One file inside a zip archive.
struct ZipMember {
  std::string name;
  Bytes bytes;
};

/// The members of an archive, stored or deflated, in the order of its directory; `name` stands for the
/// file in messages. Throws Error(bad_file) on a corrupt, encrypted or otherwise compressed archive.
std::vector<ZipMember> decode_zip(std::span<const uint8_t> bytes, const std::string& name);

/// An archive of stored members, without times: equal members give equal bytes.
/// Throws Error(failed) where it would exceed 4 GiB.
Bytes encode_zip(std::span<const ZipMember> members);

}  // namespace onnxray::cli
