#pragma once

#include <vector>

#include "ops/op.h"

namespace onnxray {

/// The axes that a node names in its attribute `axes` or, in newer versions, in input `i`; {} where it names
/// none.
std::vector<int64_t> named_axes(const LowerContext& ctx, size_t i);

/// `axes` in [0, rank), sorted. Throws Error(bad_file) where one is outside or named twice.
std::vector<int64_t> normalise_axes(std::vector<int64_t> axes, size_t rank);

/// The DType of an ONNX TensorProto.DataType number. Throws Error(unsupported) for strings, complex and 8-bit
/// floats.
DType dtype_from_number(int64_t code);

}  // namespace onnxray
