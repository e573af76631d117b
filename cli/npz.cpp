#include "cli/npz.h"

#include <zlib.h>

#include <cstring>

#include "cli/npy.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

// Field offsets are those of the ZIP specification (PKWARE APPNOTE 4.3).

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  uint64_t number(size_t at, size_t width) const {
    check(at, width);
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<uint64_t>(bytes_[at + i]);
    return value;
  }
  std::span<const std::byte> slice(size_t at, size_t length) const {
    check(at, length);
    return bytes_.subspan(at, length);
  }
  size_t size() const { return bytes_.size(); }

 private:
  void check(size_t at, size_t length) const {
    require(at <= bytes_.size() && length <= bytes_.size() - at, ErrorCode::bad_file, "{}: the .npz archive is cut off", what_);
  }
  std::span<const std::byte> bytes_;
  const std::string& what_;
};

struct Entry {
  std::string name;
  size_t method = 0, packed = 0, size = 0, offset = 0;
};

/// The 64-bit sizes that numpy writes into the extra field 0x0001 when the 32-bit ones are all ones.
void read_zip64(const Reader& reader, size_t at, size_t length, Entry& entry) {
  for (size_t end = at + length; at + 4 <= end;) {
    const size_t id = reader.number(at, 2), bytes = reader.number(at + 2, 2);
    size_t next = at + 4;
    at = next + bytes;
    if (id != 1) continue;
    for (size_t* field : {&entry.size, &entry.packed, &entry.offset}) {
      if (*field != 0xffffffff || next + 8 > at) continue;
      *field = reader.number(next, 8);
      next += 8;
    }
  }
}

std::vector<Entry> read_directory(const Reader& reader, const std::string& what) {
  size_t end = reader.size();
  require(end >= 22, ErrorCode::bad_file, "{} is not a .npz archive", what);
  for (end -= 22; reader.number(end, 4) != 0x06054b50; --end) {
    require(end > 0, ErrorCode::bad_file, "{} is not a .npz archive", what);
  }
  std::vector<Entry> entries;
  size_t at = reader.number(end + 16, 4);
  const size_t count = reader.number(end + 10, 2);
  for (size_t i = 0; i < count; ++i) {
    require(reader.number(at, 4) == 0x02014b50, ErrorCode::bad_file, "{}: the .npz directory is corrupt", what);
    const size_t name = reader.number(at + 28, 2), extra = reader.number(at + 30, 2), comment = reader.number(at + 32, 2);
    Entry entry{{}, reader.number(at + 10, 2), reader.number(at + 20, 4), reader.number(at + 24, 4), reader.number(at + 42, 4)};
    const auto text = reader.slice(at + 46, name);
    entry.name.assign(reinterpret_cast<const char*>(text.data()), text.size());
    read_zip64(reader, at + 46 + name, extra, entry);
    entries.push_back(std::move(entry));
    at += 46 + name + extra + comment;
  }
  return entries;
}

std::vector<std::byte> inflate_entry(std::span<const std::byte> packed, size_t size, const std::string& what) {
  // Deflate expands at most 1032 times: a claim beyond that is a lie, not a reason to allocate.
  require(size / 1032 <= packed.size() + 1, ErrorCode::bad_file, "{}: an entry claims {} bytes from {}", what, size, packed.size());
  std::vector<std::byte> out(size);
  z_stream stream{};
  require(inflateInit2(&stream, -MAX_WBITS) == Z_OK, ErrorCode::failed, "zlib failed to start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  require(status == Z_STREAM_END && stream.total_out == size, ErrorCode::bad_file, "{}: a compressed entry is corrupt", what);
  return out;
}

void put(std::vector<std::byte>& out, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i) & 255));
}

void put(std::vector<std::byte>& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

/// The fields that a local header and a directory entry share.
void put_common(std::vector<std::byte>& out, uint64_t checksum, uint64_t size, size_t name) {
  put(out, 20, 2);          // version needed
  put(out, 0, 2);           // flags
  put(out, 0, 2);           // stored
  put(out, 0x00210000, 4);  // 1980-01-01, so that equal arrays give equal files
  put(out, checksum, 4);
  put(out, size, 4);
  put(out, size, 4);
  put(out, name, 2);
  put(out, 0, 2);
}

}  // namespace

NamedArrays parse_npz(std::span<const std::byte> bytes, const std::string& what) {
  const Reader reader(bytes, what);
  NamedArrays arrays;
  for (const Entry& entry : read_directory(reader, what)) {
    const size_t data = entry.offset + 30 + reader.number(entry.offset + 26, 2) + reader.number(entry.offset + 28, 2);
    const auto packed = reader.slice(data, entry.packed);
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    const std::string where = fmt::format("{}[{}]", what, name);
    if (entry.method == 0) {
      arrays.emplace_back(name, parse_npy(packed, where));
    } else {
      require(entry.method == 8, ErrorCode::bad_file, "{}: zip method {} is not supported", where, entry.method);
      arrays.emplace_back(name, parse_npy(inflate_entry(packed, entry.size, where), where));
    }
  }
  return arrays;
}

std::vector<std::byte> format_npz(const NamedArrays& arrays) {
  std::vector<std::byte> out, directory;
  for (const auto& [key, tensor] : arrays) {
    const std::string name = key + ".npy";
    const std::vector<std::byte> data = format_npy(tensor);
    require(out.size() + data.size() < 0xffffffff, ErrorCode::failed, "the .npz archive would exceed 4 GiB");
    const uint64_t checksum = crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);  // version made by
    put_common(directory, checksum, data.size(), name.size());
    put(directory, 0, 6);  // comment length, disk, internal attributes
    put(directory, 0, 4);  // external attributes
    put(directory, out.size(), 4);
    put(directory, name);
    put(out, 0x04034b50, 4);
    put_common(out, checksum, data.size(), name.size());
    put(out, name);
    out.insert(out.end(), data.begin(), data.end());
  }
  const size_t start = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50, 4);
  put(out, 0, 4);  // disk numbers
  put(out, arrays.size(), 2);
  put(out, arrays.size(), 2);
  put(out, directory.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);
  return out;
}

}  // namespace onnxray::cli
