#pragma once

#include <span>
#include <string>

#include "cli/bytes.h"
#include "core/tensor.h"

namespace onnxray::cli {

/// A numpy array file, versions 1 to 3, either order, of any number type that a Tensor holds.
/// Throws Error(bad_file) on anything else, big-endian numbers included.
Tensor read_npy(const std::string& path);

/// Writes version 1, C order. bf16, which numpy lacks, is written as f32.
void write_npy(const std::string& path, const Tensor& tensor);

/// The same from and to memory; `name` stands for the file in messages.
Tensor decode_npy(std::span<const uint8_t> bytes, const std::string& name);
Bytes encode_npy(const Tensor& tensor);

}  // namespace onnxray::cli
