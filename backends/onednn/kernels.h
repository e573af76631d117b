#pragma once

#include <memory>
#include <optional>
#include <span>

#include "core/kernel.h"

/// The kernels of the oneDNN backend, one file each. Every function returns null for what its kernel does not
/// cover; the reference backend then takes the step.
namespace onnxray::onednn {

struct Context;  // dnnl_call.h
using Operands = std::span<const Operand>;

std::unique_ptr<Kernel> compile_convolution(const Context& context, const Convolution& p, Operands in,
                                            Operands out);
/// The same, added to what the result's place holds, or with a Relu or a clip from 0 behind it, or both; null
/// for any other epilogue.
std::unique_ptr<Kernel> compile_ended_convolution(const Context& context, const Convolution& p,
                                                  const Expression& epilogue, Operands in, Operands out);
std::unique_ptr<Kernel> compile_convolution_input(const Context& context, const ConvolutionInput& p,
                                                  Operands in, Operands out);
/// The same with such an epilogue; null, too, where that would lose a faster kernel.
std::unique_ptr<Kernel> compile_ended_convolution_input(const Context& context, const ConvolutionInput& p,
                                                        const Expression& epilogue, Operands in,
                                                        Operands out);
/// ConvolutionInput for few channels, as at the first layer.
std::unique_ptr<Kernel> compile_narrow_adjoint(const ConvolutionInput& p, Operands in, Operands out);
/// Both for 3x3 kernels of stride 1, by Winograd's minimal filtering; where `cap` is given, with a Relu or a
/// clip from 0 to `cap` behind it.
std::unique_ptr<Kernel> compile_winograd(const Context& context, const Convolution& p,
                                         std::optional<float> cap, Operands in, Operands out);
std::unique_ptr<Kernel> compile_winograd_adjoint(const Context& context, const ConvolutionInput& p,
                                                 Operands in, Operands out);
/// For constant weights and channels-last operands; where `cap` is given, with a Relu or a clip from 0 to
/// `cap` behind the first result.
std::unique_ptr<Kernel> compile_split_convolution(const Context& context, const SplitConvolution& p,
                                                  std::optional<float> cap, Operands in, Operands out);
/// The same, for stride 1.
std::unique_ptr<Kernel> compile_split_convolution_input(const Context& context,
                                                        const SplitConvolutionInput& p, Operands in,
                                                        Operands out);
std::unique_ptr<Kernel> compile_convolution_weight(const Context& context, const ConvolutionWeight& p,
                                                   Operands in, Operands out);
std::unique_ptr<Kernel> compile_matmul(const Context& context, const MatMul& p, Operands in, Operands out);
/// For products whose kernel takes no form of their weights, a constant: `compiler`'s kernel for the whole
/// weights reads a copy that holds the form.
std::unique_ptr<Kernel> compile_with_stored_form(KernelCompiler& compiler, const Primitive& p, Operands in,
                                                 Operands out);
/// For a large b with a unit stride and few rows of each a.
std::unique_ptr<Kernel> compile_form_products(const FormProducts& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_elementwise(const Elementwise& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_max_pool(const MaxPool& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_max_pool_scatter(const MaxPoolScatter& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_max_pool_gather(const MaxPoolGather& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_sum_pool(const SumPool& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_sum_pool_input(const SumPoolInput& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_reduce(const Reduce& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_top_k(const TopK& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_softmax(const Softmax& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_reshape(const Reshape& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_transpose(const Transpose& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_broadcast(const Broadcast& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_slice(const Slice& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_place(const Place& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_concat(const Concat& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_gather(const Gather& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_axis_map(const AxisMap& p, Operands in, Operands out);
std::unique_ptr<Kernel> compile_noise(const Noise& p, Operands in, Operands out);

}  // namespace onnxray::onednn
