#pragma once

#include <optional>

#include "core/tensor.h"

namespace onnxray {

/// How far `found` is from `expected`: max|a - b| / max|b|, of the worst sample where the samples lie along
/// an axis. Infinite where the shapes differ, where one of the two has a NaN or an infinity that the other
/// has not at the same place, and where all of b is zero and a is not. Entries that are NaN or infinite in
/// both say nothing of the others' size.
double relative_difference(const Tensor& found, const Tensor& expected,
                           std::optional<int64_t> sample_axis = {});

}  // namespace onnxray
