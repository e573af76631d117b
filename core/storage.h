#pragma once

#include "core/plan.h"

namespace onnxray {

/// The type in which a running program holds values of `dtype` (core/dtype.h).
DType stored_dtype(DType dtype, const PlanOptions& options);

/// The elements of `t` as a running program holds values of `dtype`. Free where they already are.
Tensor to_storage(const Tensor& t, DType dtype, const PlanOptions& options);

/// The value of `variable` that a program left at `data`, with elements at `strides`: row-major, reals as the
/// precision's real.
Tensor from_storage(const std::byte* data, const Variable& variable, const Strides& strides,
                    const PlanOptions& options);

}  // namespace onnxray
