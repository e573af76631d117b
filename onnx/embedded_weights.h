#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace onnxray {

/// A serialised ModelProto whose larger initialisers have no raw data, and where their data lies instead.
struct LeanModel {
  std::string bytes;
  std::vector<std::span<const std::byte>> weights;  ///< by initialiser; empty: its data is in `bytes`
};

/// Takes the weights out of a model, since protobuf would copy each as it parses. The spans point into
/// `model`. None where `model` is malformed.
std::optional<LeanModel> without_weights(std::span<const std::byte> model);

}  // namespace onnxray
