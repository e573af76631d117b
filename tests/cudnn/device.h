#pragma once

#include <cuda_runtime.h>

#include <optional>

#include "backends/cudnn/compile.h"
#include "core/backend.h"

namespace onnxray::test {

inline bool has_device() {
  int count = 0;
  const bool found = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
  cudaGetLastError();
  return found;
}

/// What compiles steps for the device.
struct DeviceCompiler {
  explicit DeviceCompiler(cudnn::Precision precision = cudnn::Precision::fp32, bool interpret = false)
      : device(precision),
        jit(device.architecture),
        tuner(device, ""),
        compiler{device, jit, tuner, interpret} {}
  cudnn::Device device;
  cudnn::Jit jit;
  cudnn::Tuner tuner;
  cudnn::Compiler compiler;
};

/// The device's steps behind the interface of CPU kernels: every run copies the operands there and back.
class StagedCompiler final : public KernelCompiler {
 public:
  explicit StagedCompiler(DeviceCompiler& device) : device_(device) {}
  std::unique_ptr<Kernel> compile(const Primitive& primitive, std::span<const Operand> in,
                                  std::span<const Operand> out) override;
  bool exact = true;  ///< cudnn::Operands::exact
  int on_cpu = 0;     ///< steps that the device has no kernel for

 private:
  DeviceCompiler& device_;
};

}  // namespace onnxray::test
