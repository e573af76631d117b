#include "onnx/element_type.h"

#include <array>

#include "core/fail.h"

namespace onnxray {

namespace {

struct ElementType {
  const char* name;
  std::optional<DType> dtype;
};

// Indexed by TensorProto.DataType; our own list, because the headers stop at 16.
const std::array<ElementType, 27> kTypes = {{
    {"UNDEFINED", {}},
    {"FLOAT", DType::f32},
    {"UINT8", DType::u8},
    {"INT8", DType::i8},
    {"UINT16", DType::u16},
    {"INT16", DType::i16},
    {"INT32", DType::i32},
    {"INT64", DType::i64},
    {"STRING", {}},
    {"BOOL", DType::boolean},
    {"FLOAT16", DType::f16},
    {"DOUBLE", DType::f64},
    {"UINT32", DType::u32},
    {"UINT64", DType::u64},
    {"COMPLEX64", {}},
    {"COMPLEX128", {}},
    {"BFLOAT16", DType::bf16},
    {"FLOAT8E4M3FN", {}},
    {"FLOAT8E4M3FNUZ", {}},
    {"FLOAT8E5M2", {}},
    {"FLOAT8E5M2FNUZ", {}},
    {"UINT4", {}},
    {"INT4", {}},
    {"FLOAT4E2M1", {}},
    {"FLOAT8E8M0", {}},
    {"UINT2", {}},
    {"INT2", {}},
}};

bool is_defined(int32_t data_type) { return data_type > 0 && static_cast<size_t>(data_type) < kTypes.size(); }

}  // namespace

std::optional<DType> dtype_from_onnx(int32_t data_type) {
  if (!is_defined(data_type)) return std::nullopt;
  return kTypes[static_cast<size_t>(data_type)].dtype;
}

std::string onnx_type_name(int32_t data_type, const std::string& what) {
  require(is_defined(data_type), ErrorCode::bad_file, "{} has the unknown element type {}", what, data_type);
  return kTypes[static_cast<size_t>(data_type)].name;
}

}  // namespace onnxray
