#pragma once

#include "backends/cudnn/device.h"
#include "backends/cudnn/jit.h"
#include "backends/cudnn/tuner.h"

namespace onnxray::cudnn {

/// What compiling steps needs.
struct Compiler {
  Device& device;
  Jit& jit;
  Tuner& tuner;
  bool interpret = false;  ///< elementwise chains by the interpreter instead of NVRTC, to compare the two

  /// The best step for these operands; null where only the CPU has one.
  std::unique_ptr<DeviceStep> compile(const Primitive& primitive, const Operands& o);
};

// Through the libraries. Each returns null where its library refuses the operands.
std::unique_ptr<DeviceStep> compile_convolution(Compiler& c, const Convolution& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_convolution_input(Compiler& c, const ConvolutionInput& p,
                                                      const Operands& o);
std::unique_ptr<DeviceStep> compile_matmul(Compiler& c, const MatMul& p, const Operands& o);
std::unique_ptr<DeviceStep> compile_chain(Compiler& c, const Elementwise& p, const Operands& o);

}  // namespace onnxray::cudnn
