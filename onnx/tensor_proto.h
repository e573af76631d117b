#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/tensor.h"

namespace onnx {
class TensorProto;
}

namespace onnxray {

/// A serialised TensorProto: the .pb files of ONNX test data. Throws Error(bad_file or unsupported).
Tensor tensor_from_proto_bytes(std::span<const std::byte> bytes);

class MappedFile;

/// Turns the TensorProtos of one model into Tensors. A tensor's bytes are taken out of its proto, so
/// that no weight is in memory twice; reading the same proto again gives the same elements.
class TensorReader {
 public:
  /// `folder` holds the files of external data; without one, external data is refused.
  explicit TensorReader(std::optional<std::filesystem::path> folder = std::nullopt);

  /// The raw data of `proto` are `bytes`, which `owner` keeps alive; without an owner they are copied when
  /// read.
  void lend(const onnx::TensorProto& proto, std::span<const std::byte> bytes,
            const std::shared_ptr<const void>& owner);

  /// `what` names the tensor in messages.
  Tensor read(onnx::TensorProto& proto, const std::string& what);

  /// Locations of the external data that was read, as the model gives them.
  std::vector<std::string> external_files() const;

 private:
  struct Lent {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };

  Tensor read_raw(onnx::TensorProto& proto, DType dtype, const Shape& shape, const std::string& what);
  Tensor read_external(const onnx::TensorProto& proto, DType dtype, const Shape& shape,
                       const std::string& what);

  std::optional<std::filesystem::path> folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  std::unordered_map<const onnx::TensorProto*, Lent> lent_;
  std::unordered_map<const onnx::TensorProto*, Tensor> done_;
};

}  // namespace onnxray
