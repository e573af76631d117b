#include "backends/cudnn/compile.h"

#include <algorithm>
#include <stdexcept>

#include "backends/cudnn/elementwise_source.h"

namespace onnxray::cudnn {

namespace {

struct Dispatch {
  Compiler& c;
  const Operands& o;
  using Result = std::unique_ptr<DeviceStep>;
  Result operator()(const Convolution& p) const { return compile_convolution(c, p, o); }
  Result operator()(const ConvolutionInput& p) const { return compile_convolution_input(c, p, o); }
  Result operator()(const MatMul& p) const { return compile_matmul(c, p, o); }
  Result operator()(const Elementwise& p) const { return c.interpret ? nullptr : compile_chain(c, p, o); }
  template <class P>
  Result operator()(const P&) const {
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<DeviceStep> Compiler::compile(const Primitive& primitive, const Operands& o) {
  const auto nothing = [](const Launch&, Sources, Targets) {};
  if (std::ranges::all_of(o.out, [](const Operand& y) { return element_count(y.shape) == 0; }))
    return make_step(nothing);
  if (auto step = std::visit(Dispatch{*this, o}, primitive)) return step;
  return compile_own_kernel(primitive, o);
}

std::unique_ptr<DeviceStep> compile_chain(Compiler& c, const Elementwise& p, const Operands& o) {
  try {
    const ElementwiseSource source = elementwise_source(p, o);
    const cudaKernel_t kernel = c.jit.kernel(source.text);
    return make_step([kernel, arguments = source.arguments](const Launch& l, Sources in, Targets out) {
      ElementwiseArguments now = arguments;
      for (size_t i = 0; i < in.size(); ++i) now.in[i] = in[i];
      for (size_t i = 0; i < out.size(); ++i) now.out[i] = out[i];
      void* parameters[] = {&now};
      constexpr unsigned kThreads = 256;
      const auto blocks = static_cast<unsigned>((now.count + kThreads - 1) / kThreads);
      check(
          cudaLaunchKernel(reinterpret_cast<const void*>(kernel), blocks, kThreads, parameters, 0, l.stream),
          "launching an elementwise chain");
    });
  } catch (const std::length_error&) {
    return nullptr;
  }
}

}  // namespace onnxray::cudnn
