#include "cli/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "cli/output_file.h"
#include "core/fail.h"
#include "core/read_file.h"

namespace onnxray::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "npy elements are copied as they are");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxRank = 64;  // numpy's own limit

struct TypeCode {
  std::string_view code;
  DType dtype;
};
constexpr std::array kTypeCodes = {
    TypeCode{"f2", DType::f16}, TypeCode{"f4", DType::f32}, TypeCode{"f8", DType::f64},
    TypeCode{"i1", DType::i8},  TypeCode{"i2", DType::i16}, TypeCode{"i4", DType::i32},
    TypeCode{"i8", DType::i64}, TypeCode{"u1", DType::u8},  TypeCode{"u2", DType::u16},
    TypeCode{"u4", DType::u32}, TypeCode{"u8", DType::u64}, TypeCode{"b1", DType::boolean},
};

struct Header {
  std::string descr;
  bool fortran_order = false;
  Shape shape;
};

/// Reads the header, a Python dictionary literal such as {'descr': '<f4', 'fortran_order': False, 'shape':
/// (3,), }.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    int seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        header.descr = string();
        seen |= 1;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        seen |= 2;
      } else if (key == "shape") {
        header.shape = tuple();
        seen |= 4;
      } else
        corrupt("has an unknown key");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (seen != 7) corrupt("lacks descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void corrupt(std::string_view what) const {
    fail(ErrorCode::bad_file, "'{}' is not a readable .npy file: its header {} (at {})", name_, what,
         excerpt(text_));
  }

  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size())); }

  bool accept(char c) {
    skip_space();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) corrupt(fmt::format("lacks '{}'", c));
  }

  std::string string() {
    const char quote = accept('\'') ? '\'' : accept('"') ? '"' : '\0';
    if (quote == '\0') corrupt("needs a quoted name; onnxray reads arrays of plain numbers, not records");
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) corrupt("lacks a closing quote");
    std::string result(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return result;
  }

  bool boolean() {
    skip_space();
    const bool value = text_.starts_with("True");
    if (!value && !text_.starts_with("False")) corrupt("needs True or False");
    text_.remove_prefix(value ? 4 : 5);
    return value;
  }

  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == kMaxRank) corrupt("has too many dimensions");
      shape.push_back(extent());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  int64_t extent() {
    skip_space();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) corrupt("needs a number that is not negative");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    accept('L');  // Python 2 wrote long integers so
    return value;
  }

  std::string_view text_;
  const std::string& name_;
};

DType parse_type(const std::string& descr, const std::string& name) {
  const std::string_view code = std::string_view(descr).substr(std::min<size_t>(1, descr.size()));
  const auto* found =
      std::find_if(kTypeCodes.begin(), kTypeCodes.end(), [&](const TypeCode& t) { return t.code == code; });
  const bool known_order = descr.find_first_of("<>=|") == 0;
  require(found != kTypeCodes.end() && known_order, ErrorCode::bad_file,
          "'{}' holds elements of type {}; onnxray reads booleans, integers and real numbers", name,
          excerpt(descr));
  require(descr[0] != '>' || code[1] == '1', ErrorCode::bad_file,
          "'{}' holds big-endian numbers ({}); convert it: a.astype(a.dtype.newbyteorder('<'))", name, descr);
  return found->dtype;
}

/// The number of elements, where `available` bytes can hold them.
int64_t checked_count(const Shape& shape, int64_t element_size, size_t available, const std::string& name) {
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  const int64_t limit = empty ? int64_t{1} << 60 : static_cast<int64_t>(available) / element_size;
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent == 0) continue;
    require(extent <= limit / count, ErrorCode::bad_file,
            "'{}' is cut short: it is too small for its shape {}", name, to_string(shape));
    count *= extent;
  }
  if (!empty) require(count <= limit, ErrorCode::bad_file, "'{}' is cut short: it holds no element", name);
  return empty ? 0 : count;
}

/// Elements of an array in Fortran order to C order.
void copy_fortran(const uint8_t* from, Tensor& to) {
  const auto size = static_cast<size_t>(size_of(to.dtype()));
  std::byte* out = to.mutable_bytes();
  const Shape& shape = to.shape();
  Strides strides(shape.size(), 1);
  for (size_t axis = 1; axis < shape.size(); ++axis) strides[axis] = strides[axis - 1] * shape[axis - 1];
  std::vector<int64_t> index(shape.size(), 0);
  int64_t source = 0;
  for (int64_t i = 0; i < to.size(); ++i) {
    std::memcpy(out + static_cast<size_t>(i) * size, from + static_cast<size_t>(source) * size, size);
    for (size_t axis = shape.size(); axis-- > 0;) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/// The header's text; `data_start` becomes the offset of the first element.
std::string_view header_text(std::span<const uint8_t> bytes, const std::string& name, size_t& data_start) {
  const auto* chars = reinterpret_cast<const char*>(bytes.data());
  const bool magic = bytes.size() >= 10 && std::string_view(chars, kMagic.size()) == kMagic;
  require(magic, ErrorCode::bad_file, "'{}' is not a .npy file", name);
  require(bytes[6] >= 1 && bytes[6] <= 3, ErrorCode::bad_file,
          "'{}' has .npy version {}; onnxray reads 1 to 3", name, bytes[6]);
  const size_t width = bytes[6] == 1 ? 2 : 4;
  require(bytes.size() >= 8 + width, ErrorCode::bad_file, "'{}' is cut short in its header", name);
  const uint64_t length = load_little_endian(bytes, 8, width);
  require(length <= bytes.size() - 8 - width, ErrorCode::bad_file, "'{}' is cut short in its header", name);
  data_start = 8 + width + length;
  return {chars + 8 + width, length};
}

}  // namespace

Tensor decode_npy(std::span<const uint8_t> bytes, const std::string& name) {
  size_t start = 0;
  const std::string_view text = header_text(bytes, name, start);
  const Header header = HeaderParser(text, name).parse();
  const DType dtype = parse_type(header.descr, name);
  const size_t available = bytes.size() - start;
  const int64_t count = checked_count(header.shape, size_of(dtype), available, name);
  require(static_cast<size_t>(count * size_of(dtype)) == available, ErrorCode::bad_file,
          "'{}' holds {} bytes after its array of shape {}", name,
          available - static_cast<size_t>(count * size_of(dtype)), to_string(header.shape));
  Tensor result(dtype, header.shape);
  if (count == 0) return result;
  if (header.fortran_order)
    copy_fortran(bytes.data() + start, result);
  else
    std::memcpy(result.mutable_bytes(), bytes.data() + start, available);
  if (dtype == DType::boolean) {
    std::byte* out = result.mutable_bytes();
    for (int64_t i = 0; i < count; ++i) out[i] = out[i] == std::byte{0} ? std::byte{0} : std::byte{1};
  }
  return result;
}

Bytes encode_npy(const Tensor& tensor) {
  if (tensor.dtype() == DType::bf16) return encode_npy(tensor.to(DType::f32));
  const auto* type = std::find_if(kTypeCodes.begin(), kTypeCodes.end(),
                                  [&](const TypeCode& t) { return t.dtype == tensor.dtype(); });
  const std::string_view comma = tensor.shape().size() == 1 ? "," : "";
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   size_of(tensor.dtype()) == 1 ? '|' : '<', type->code,
                                   fmt::join(tensor.shape(), ", "), comma);
  constexpr size_t kPrefix = 10;  // magic, version, length
  constexpr size_t kAlignment = 64;
  header.resize((kPrefix + header.size() + kAlignment) / kAlignment * kAlignment - kPrefix - 1, ' ');
  header += '\n';
  Bytes bytes(kMagic.begin(), kMagic.end());
  append_little_endian(bytes, 1, 2);
  append_little_endian(bytes, header.size(), 2);
  bytes.insert(bytes.end(), header.begin(), header.end());
  const auto* data = reinterpret_cast<const uint8_t*>(tensor.bytes());
  bytes.insert(bytes.end(), data, data + tensor.byte_size());
  return bytes;
}

Tensor read_npy(const std::string& path) { return decode_npy(read_file(path), path); }

void write_npy(const std::string& path, const Tensor& tensor) { write_output(path, encode_npy(tensor)); }

}  // namespace onnxray::cli
