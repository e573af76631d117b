#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/dtype.h"

namespace onnxray {

/// The DType of a TensorProto.DataType number; nothing for those that onnxray cannot hold.
std::optional<DType> dtype_from_onnx(int32_t data_type);

/// "FLOAT8E4M3FN"; Error(bad_file) for a number that ONNX does not define. `what` names the tensor.
std::string onnx_type_name(int32_t data_type, const std::string& what);

}  // namespace onnxray
