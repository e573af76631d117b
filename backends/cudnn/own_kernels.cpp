#include <stdexcept>

#include "backends/cudnn/kernels/kernels.h"

namespace onnxray::cudnn {

namespace {

struct Dispatch {
  const Operands& o;
  using Result = std::unique_ptr<DeviceStep>;
  Result operator()(const Elementwise& p) const { return compile_interpreted(p, o); }
  Result operator()(const Convolution& p) const { return compile_direct(p, o); }
  Result operator()(const ConvolutionInput& p) const { return compile_direct(p, o); }
  Result operator()(const ConvolutionWeight& p) const { return compile_direct(p, o); }
  Result operator()(const MatMul& p) const { return compile_direct(p, o); }
  // Only in programs that were optimised for another backend.
  Result operator()(const SplitConvolution& p) const { return compile_direct(p, o); }
  Result operator()(const SplitConvolutionInput& p) const { return compile_direct(p, o); }
  template <class P>
  Result operator()(const P& p) const {
    return compile(p, o);
  }
};

}  // namespace

std::unique_ptr<DeviceStep> compile_own_kernel(const Primitive& primitive, const Operands& o) {
  try {
    return std::visit(Dispatch{o}, primitive);
  } catch (const std::length_error&) {
    return nullptr;  // more axes than a kernel takes
  }
}

}  // namespace onnxray::cudnn
