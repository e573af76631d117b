#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// Writes optimised Programs as one plain ONNX model of the standard operators (opset 18), with static shapes
/// and all arithmetic of reals in float32. Inputs of equal name are shared between programs. Throws
/// Error(unsupported) where ONNX lacks an equal.
class ModelExporter {
 public:
  ModelExporter();
  ~ModelExporter();

  struct Output {
    std::string name;
    Var var;
  };
  /// Appends a program, and of its results those that are named.
  void add(const Program& program, const std::vector<Output>& outputs);

  /// The model's bytes. Throws Error(unsupported) where they pass protobuf's 2 GiB.
  std::string serialise(const std::string& description) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace onnxray
