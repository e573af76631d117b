#include "cli/zip.h"

#include <zlib.h>

#include <algorithm>

#include "core/fail.h"

namespace onnxray::cli {
namespace {

// Record layouts are those of APPNOTE.TXT 6.3 by PKWARE.
constexpr uint32_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr uint64_t kIn64 = 0xffffffff;  // the 32-bit field's value where the zip64 record has the number
constexpr uint64_t kStored = 0, kDeflated = 8;
constexpr uint64_t kDeflateRatio = 1032;  // no deflate stream expands further

uint32_t crc_of(std::span<const uint8_t> bytes) {
  return static_cast<uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

struct Directory {
  uint64_t offset, count;
};

struct Entry {
  std::string name;
  uint64_t flags, method, crc, packed_size, size, offset;
};

/// Reads one archive; every offset is checked before it is used.
class ZipReader {
 public:
  ZipReader(std::span<const uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::vector<ZipMember> read() {
    const Directory directory = find_directory();
    check(directory.count <= bytes_.size() / kCentralSize);
    std::vector<Entry> entries;
    uint64_t at = directory.offset, packed = 0, unpacked = 0;
    const uint64_t most = most_unpacked_bytes(bytes_.size());
    for (uint64_t i = 0; i < directory.count; ++i) {
      entries.push_back(read_entry(at));
      packed += entries.back().packed_size;
      check(packed <= bytes_.size());  // members that share bytes could multiply a small file
      require(
          entries.back().size <= most - unpacked, ErrorCode::bad_file,
          "'{}' has {} bytes and would unpack to more than {}, which is refused: write it by np.savez, or "
          "in parts",
          name_, bytes_.size(), most);
      unpacked += entries.back().size;
    }
    std::vector<ZipMember> members;
    for (const Entry& entry : entries) members.push_back({entry.name, unpack(entry)});
    return members;
  }

 private:
  void check(bool sound) const {
    require(sound, ErrorCode::bad_file, "'{}' is not a readable zip archive: it is corrupt or cut short",
            name_);
  }

  void check_range(uint64_t offset, uint64_t size) const {
    check(offset <= bytes_.size() && size <= bytes_.size() - offset);
  }

  uint64_t number(uint64_t offset, size_t width) const {
    check_range(offset, width);
    return load_little_endian(bytes_, offset, width);
  }

  Directory find_directory() const {
    check(bytes_.size() >= kEndSize);
    size_t end = bytes_.size() - kEndSize;
    const size_t last = end - std::min<size_t>(end, 0xffff);  // a comment of up to 65535 bytes may follow
    while (number(end, 4) != kEndSignature) {
      check(end > last);
      --end;
    }
    Directory directory{number(end + 16, 4), number(end + 10, 2)};
    const bool has64 = end >= kLocator64Size && number(end - kLocator64Size, 4) == kLocator64Signature;
    if (!has64) return directory;
    const uint64_t end64 = number(end - kLocator64Size + 8, 8);
    check_range(end64, kEnd64Size);
    check(number(end64, 4) == kEnd64Signature);
    return {number(end64 + 48, 8), number(end64 + 32, 8)};
  }

  Entry read_entry(uint64_t& at) const {
    check_range(at, kCentralSize);
    check(number(at, 4) == kCentralSignature);
    const uint64_t name_size = number(at + 28, 2), extra_size = number(at + 30, 2);
    Entry entry{.name = {},
                .flags = number(at + 8, 2),
                .method = number(at + 10, 2),
                .crc = number(at + 16, 4),
                .packed_size = number(at + 20, 4),
                .size = number(at + 24, 4),
                .offset = number(at + 42, 4)};
    const uint64_t extra = at + kCentralSize + name_size;
    check_range(at + kCentralSize, name_size + extra_size);
    entry.name.assign(reinterpret_cast<const char*>(bytes_.data()) + at + kCentralSize, name_size);
    read_extra(extra, extra + extra_size, entry);
    at = extra + extra_size + number(at + 32, 2);
    return entry;
  }

  /// Numbers of a zip64 archive, in this order, as far as their 32-bit fields say so.
  void read_extra(uint64_t at, uint64_t end, Entry& entry) const {
    while (at + 4 <= end) {
      const uint64_t id = number(at, 2), size = number(at + 2, 2);
      at += 4;
      check(size <= end - at);
      uint64_t field = at;
      for (uint64_t* value : {&entry.size, &entry.packed_size, &entry.offset}) {
        if (id != 1 || *value != kIn64) continue;
        check(field + 8 <= at + size);
        *value = number(field, 8);
        field += 8;
      }
      at += size;
    }
  }

  Bytes unpack(const Entry& entry) const {
    check_range(entry.offset, kLocalSize);
    check(number(entry.offset, 4) == kLocalSignature);
    require((entry.flags & 1) == 0, ErrorCode::bad_file, "'{}': {} is encrypted", name_, excerpt(entry.name));
    const uint64_t data =
        entry.offset + kLocalSize + number(entry.offset + 26, 2) + number(entry.offset + 28, 2);
    check_range(data, entry.packed_size);
    const auto packed = bytes_.subspan(data, entry.packed_size);
    Bytes result;
    if (entry.method == kDeflated) {
      result = inflated(packed, entry.size);
    } else {
      require(entry.method == kStored, ErrorCode::bad_file,
              "'{}': {} is compressed in a way other than deflate", name_, excerpt(entry.name));
      check(entry.size == entry.packed_size);
      result.assign(packed.begin(), packed.end());
    }
    require(crc_of(result) == entry.crc, ErrorCode::bad_file, "'{}': the checksum of {} is wrong", name_,
            excerpt(entry.name));
    return result;
  }

  Bytes inflated(std::span<const uint8_t> packed, uint64_t size) const {
    check(size / kDeflateRatio <= packed.size());
    z_stream stream{};
    require(inflateInit2(&stream, -MAX_WBITS) == Z_OK, ErrorCode::failed, "zlib cannot start");
    constexpr size_t kStep = size_t{1}
                             << 16;  // memory grows with what the stream holds, not with what it claims
    Bytes result, chunk(kStep);
    int status = Z_OK;
    stream.next_in = const_cast<Bytef*>(packed.data());
    for (size_t fed = 0; status == Z_OK && result.size() <= size;) {
      const size_t feed = std::min(packed.size() - fed, kStep);
      stream.avail_in = static_cast<uInt>(feed);
      stream.next_out = chunk.data();
      stream.avail_out = static_cast<uInt>(kStep);
      status = inflate(&stream, Z_NO_FLUSH);
      fed += feed - stream.avail_in;
      result.insert(result.end(), chunk.begin(), chunk.end() - stream.avail_out);
    }
    inflateEnd(&stream);
    check(status == Z_STREAM_END && result.size() == size);
    return result;
  }

  std::span<const uint8_t> bytes_;
  const std::string& name_;
};

/// The fields that the local and the central record share, from 'version needed' to 'name length'.
void append_common(Bytes& out, const ZipMember& member) {
  constexpr uint64_t kVersion = 20, kUtf8Names = 1 << 11, kNoTime = 0, kFirstDay = 0x21;  // 1 January 1980
  append_little_endian(out, kVersion, 2);
  append_little_endian(out, kUtf8Names, 2);
  append_little_endian(out, kStored, 2);
  append_little_endian(out, kNoTime, 2);
  append_little_endian(out, kFirstDay, 2);
  append_little_endian(out, crc_of(member.bytes), 4);
  append_little_endian(out, member.bytes.size(), 4);
  append_little_endian(out, member.bytes.size(), 4);
  append_little_endian(out, member.name.size(), 2);
}

void append_end(Bytes& out, size_t count, size_t directory) {
  const size_t size = out.size() - directory;
  append_little_endian(out, kEndSignature, 4);
  append_little_endian(out, 0, 4);  // disk numbers
  append_little_endian(out, count, 2);
  append_little_endian(out, count, 2);
  append_little_endian(out, size, 4);
  append_little_endian(out, directory, 4);
  append_little_endian(out, 0, 2);  // comment
}

}  // namespace

std::vector<ZipMember> decode_zip(std::span<const uint8_t> bytes, const std::string& name) {
  return ZipReader(bytes, name).read();
}

Bytes encode_zip(std::span<const ZipMember> members) {
  uint64_t total = kEndSize;
  for (const ZipMember& m : members) total += m.bytes.size() + 2 * m.name.size() + kLocalSize + kCentralSize;
  require(total < kIn64 && members.size() < 0xffff, ErrorCode::failed,
          "the arrays exceed the 4 GiB that a .npz file takes; write fewer, or one to .npy");
  Bytes out, central;
  out.reserve(total);
  for (const ZipMember& member : members) {
    const size_t offset = out.size();
    require(member.name.size() <= 0xffff, ErrorCode::failed, "a name is too long for a .npz file");
    append_little_endian(out, kLocalSignature, 4);
    append_common(out, member);
    append_little_endian(out, 0, 2);
    out.insert(out.end(), member.name.begin(), member.name.end());
    out.insert(out.end(), member.bytes.begin(), member.bytes.end());
    append_little_endian(central, kCentralSignature, 4);
    append_little_endian(central, 20, 2);  // made by version 2.0
    append_common(central, member);
    for (const size_t width : {2, 2, 2, 2, 4})
      append_little_endian(central, 0, width);  // no extras, plain file
    append_little_endian(central, offset, 4);
    central.insert(central.end(), member.name.begin(), member.name.end());
  }
  const size_t directory = out.size();
  out.insert(out.end(), central.begin(), central.end());
  append_end(out, members.size(), directory);
  return out;
}

}  // namespace onnxray::cli
