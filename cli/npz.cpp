#include "cli/npz.h"

#include <algorithm>

#include "cli/npy.h"
#include "cli/output_file.h"
#include "cli/zip.h"
#include "core/fail.h"
#include "core/read_file.h"

namespace onnxray::cli {
namespace {

constexpr std::string_view kSuffix = ".npy";

bool holds(const std::vector<NamedTensor>& tensors, const std::string& name) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
}

}  // namespace

std::vector<NamedTensor> decode_npz(std::span<const uint8_t> bytes, const std::string& name) {
  std::vector<NamedTensor> tensors;
  for (const ZipMember& member : decode_zip(bytes, name)) {
    require(member.name.ends_with(kSuffix), ErrorCode::bad_file, "'{}' holds {}, which is not an array", name,
            excerpt(member.name));
    const std::string key = member.name.substr(0, member.name.size() - kSuffix.size());
    require(!holds(tensors, key), ErrorCode::bad_file, "'{}' holds two arrays named {}", name, excerpt(key));
    tensors.push_back({key, decode_npy(member.bytes, fmt::format("{}:{}", name, key))});
  }
  return tensors;
}

Bytes encode_npz(std::span<const NamedTensor> tensors) {
  std::vector<ZipMember> members;
  for (const NamedTensor& t : tensors)
    members.push_back({t.name + std::string(kSuffix), encode_npy(t.value)});
  return encode_zip(members);
}

std::vector<NamedTensor> read_npz(const std::string& path) { return decode_npz(read_file(path), path); }

void write_npz(const std::string& path, std::span<const NamedTensor> tensors) {
  write_output(path, encode_npz(tensors));
}

}  // namespace onnxray::cli
