#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/bytes.h"
#include "core/tensor.h"

namespace onnxray::cli {

struct NamedTensor {
  std::string name;
  Tensor value;
};

/// The arrays of a numpy archive (np.savez, np.savez_compressed) in file order.
/// Throws Error(bad_file) on a corrupt archive, on a member that is no array and on a repeated name.
std::vector<NamedTensor> read_npz(const std::string& path);

/// Writes what numpy.load reads. Names must differ.
void write_npz(const std::string& path, std::span<const NamedTensor> tensors);

/// The same from and to memory; `name` stands for the file in messages.
std::vector<NamedTensor> decode_npz(std::span<const uint8_t> bytes, const std::string& name);
Bytes encode_npz(std::span<const NamedTensor> tensors);

}  // namespace onnxray::cli
