#include "onnx/tensor_proto.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <bit>
#include <climits>

#include "core/fail.h"
#include "core/parallel_copy.h"
#include "onnx/element_type.h"
#include "onnx/external_data.h"
#include "onnx/mapped_file.h"
#include "onnx/quote.h"

namespace onnxray {

namespace {

static_assert(std::endian::native == std::endian::little, "ONNX stores tensors in little-endian order");

/// The shape, once it is known that neither its element count nor its strides overflow.
Shape checked_shape(const onnx::TensorProto& proto, DType dtype, const std::string& what) {
  constexpr int kMaxRank = 64;
  require(proto.dims_size() <= kMaxRank, ErrorCode::bad_file, "{} has {} dimensions", what,
          proto.dims_size());
  const Shape shape(proto.dims().begin(), proto.dims().end());
  int64_t room = (int64_t{1} << 62) / size_of(dtype);
  for (const int64_t extent : shape) {
    require(extent >= 0, ErrorCode::bad_file, "{} has the negative extent {}", what, extent);
    room /= std::max<int64_t>(extent, 1);
  }
  require(room > 0, ErrorCode::bad_file, "{} has the absurd shape {}", what, to_string(shape));
  return shape;
}

void require_bytes(uint64_t held, DType dtype, const Shape& shape, const std::string& what) {
  const auto needed = static_cast<uint64_t>(element_count(shape) * size_of(dtype));
  require(held == needed, ErrorCode::bad_file, "{} holds {} bytes where {} of shape {} needs {}", what, held,
          name_of(dtype), to_string(shape), needed);
}

/// Borrows `data` where it has an owner and its alignment allows; copies it otherwise. Booleans become 0
/// and 1.
Tensor wrap_bytes(DType dtype, const Shape& shape, std::shared_ptr<const void> owner, const std::byte* data) {
  const auto count = static_cast<size_t>(element_count(shape) * size_of(dtype));
  const bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<size_t>(size_of(dtype)) == 0;
  const bool clean = dtype != DType::boolean ||
                     std::all_of(data, data + count, [](std::byte b) { return b <= std::byte{1}; });
  if (count > 0 && aligned && clean && owner) return Tensor(dtype, shape, std::move(owner), data);
  Tensor copy = Tensor::uninitialised(dtype, shape);
  if (count == 0) return copy;
  std::byte* out = copy.mutable_bytes();
  copy_in_parallel(out, data, static_cast<int64_t>(count));
  if (!clean)
    std::replace_if(
        out, out + count, [](std::byte b) { return b != std::byte{0}; }, std::byte{1});
  return copy;
}

template <class T, class Field>
Tensor take_values(Field* field, DType dtype, const Shape& shape, const std::string& what) {
  Field values;
  values.Swap(field);
  require(values.size() == element_count(shape), ErrorCode::bad_file,
          "{} holds {} values where shape {} needs {}", what, values.size(), to_string(shape),
          element_count(shape));
  Tensor result(dtype, shape);
  auto* out = reinterpret_cast<T*>(result.mutable_bytes());
  for (const auto value : values) {
    if (dtype == DType::boolean)
      *out++ = static_cast<T>(value != 0);
    else
      *out++ = static_cast<T>(value);
  }
  return result;
}

Tensor take_typed(onnx::TensorProto& proto, DType dtype, const Shape& shape, const std::string& what) {
  switch (dtype) {
    case DType::f32: return take_values<float>(proto.mutable_float_data(), dtype, shape, what);
    case DType::f64: return take_values<double>(proto.mutable_double_data(), dtype, shape, what);
    case DType::i64: return take_values<int64_t>(proto.mutable_int64_data(), dtype, shape, what);
    case DType::u64: return take_values<uint64_t>(proto.mutable_uint64_data(), dtype, shape, what);
    case DType::u32: return take_values<uint32_t>(proto.mutable_uint64_data(), dtype, shape, what);
    case DType::i32: return take_values<int32_t>(proto.mutable_int32_data(), dtype, shape, what);
    // f16 and bf16 are stored as their bits.
    case DType::f16:
    case DType::bf16:
    case DType::u16: return take_values<uint16_t>(proto.mutable_int32_data(), dtype, shape, what);
    case DType::i16: return take_values<int16_t>(proto.mutable_int32_data(), dtype, shape, what);
    case DType::i8: return take_values<int8_t>(proto.mutable_int32_data(), dtype, shape, what);
    case DType::u8:
    case DType::boolean: return take_values<uint8_t>(proto.mutable_int32_data(), dtype, shape, what);
  }
  fail(ErrorCode::unsupported, "{} has an element type that cannot be read", what);
}

bool has_typed_data(const onnx::TensorProto& proto) {
  return proto.float_data_size() + proto.double_data_size() + proto.int32_data_size() +
             proto.int64_data_size() + proto.uint64_data_size() + proto.string_data_size() >
         0;
}

}  // namespace

TensorReader::TensorReader(std::optional<std::filesystem::path> folder) : folder_(std::move(folder)) {}

void TensorReader::lend(const onnx::TensorProto& proto, std::span<const std::byte> bytes,
                        const std::shared_ptr<const void>& owner) {
  lent_[&proto] = {bytes, owner};
}

Tensor TensorReader::read(onnx::TensorProto& proto, const std::string& what) {
  if (const auto it = done_.find(&proto); it != done_.end()) return it->second;
  const std::string type = onnx_type_name(proto.data_type(), what);
  const auto dtype = dtype_from_onnx(proto.data_type());
  require(dtype.has_value(), ErrorCode::unsupported,
          "{} has the element type {}, which is not supported: convert it to FLOAT", what, type);
  require(!proto.has_segment(), ErrorCode::unsupported, "{} is one segment of a larger tensor", what);
  const Shape shape = checked_shape(proto, *dtype, what);
  const bool external = proto.data_location() == onnx::TensorProto::EXTERNAL;
  const bool raw = proto.has_raw_data();
  require(!(raw && !proto.raw_data().empty() && has_typed_data(proto)), ErrorCode::bad_file,
          "{} has its values twice, as raw and as typed data", what);
  const Tensor result = external                        ? read_external(proto, *dtype, shape, what)
                        : raw && !has_typed_data(proto) ? read_raw(proto, *dtype, shape, what)
                                                        : take_typed(proto, *dtype, shape, what);
  done_.emplace(&proto, result);
  return result;
}

Tensor TensorReader::read_raw(onnx::TensorProto& proto, DType dtype, const Shape& shape,
                              const std::string& what) {
  if (const auto lent = lent_.find(&proto); lent != lent_.end()) {
    const auto& [bytes, owner] = lent->second;
    require_bytes(bytes.size(), dtype, shape, what);
    return wrap_bytes(dtype, shape, owner, bytes.data());
  }
  require_bytes(proto.raw_data().size(), dtype, shape, what);
  const std::unique_ptr<const std::string> bytes(proto.release_raw_data());
  return wrap_bytes(dtype, shape, nullptr, reinterpret_cast<const std::byte*>(bytes->data()));
}

std::vector<std::string> TensorReader::external_files() const {
  std::vector<std::string> locations;
  for (const auto& [location, file] : files_) locations.push_back(location);
  return locations;
}

Tensor TensorReader::read_external(const onnx::TensorProto& proto, DType dtype, const Shape& shape,
                                   const std::string& what) {
  require(folder_.has_value(), ErrorCode::bad_file,
          "{} has external data, but there is no folder to read it from: load the model by its path", what);
  const ExternalLocation where = external_location_of(proto, what);
  auto& file = files_[where.location];
  if (!file) file = MappedFile::open_inside(*folder_, where.location);
  const auto bytes = file->bytes();
  const auto needed = static_cast<uint64_t>(element_count(shape) * size_of(dtype));
  if (where.length) require_bytes(*where.length, dtype, shape, what);
  require(where.offset <= bytes.size() && needed <= bytes.size() - where.offset, ErrorCode::bad_file,
          "{} takes {} bytes from offset {} of the external data {}, which has only {}", what, needed,
          where.offset, quote(where.location), bytes.size());
  return wrap_bytes(dtype, shape, file, bytes.data() + where.offset);
}

Tensor tensor_from_proto_bytes(std::span<const std::byte> bytes) {
  require(bytes.size() <= INT_MAX, ErrorCode::bad_file, "a TensorProto cannot have {} bytes", bytes.size());
  onnx::TensorProto proto;
  require(proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), ErrorCode::bad_file,
          "not a TensorProto, or cut short");
  return TensorReader().read(proto, proto.name().empty() ? "the tensor" : "tensor " + quote(proto.name()));
}

}  // namespace onnxray
