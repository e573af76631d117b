#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace onnxray::cli {

using NamedArrays = std::vector<std::pair<std::string, Tensor>>;

/// numpy's .npz: a zip archive of .npy files, stored or deflated. `what` names the file in errors.
NamedArrays parse_npz(std::span<const std::byte> bytes, const std::string& what);
/// Entries are stored, as numpy.savez does.
std::vector<std::byte> format_npz(const NamedArrays& arrays);

}  // namespace onnxray::cli
