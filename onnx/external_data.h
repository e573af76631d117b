#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace onnx {
class TensorProto;
}

namespace onnxray {

/// Where a tensor's bytes lie in a file beside the model. The numbers are the file's own claims.
struct ExternalLocation {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

/// Error(bad_file) for numbers that are none. `what` names the tensor in messages.
ExternalLocation external_location_of(const onnx::TensorProto& proto, const std::string& what);

}  // namespace onnxray
