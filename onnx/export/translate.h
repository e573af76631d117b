#pragma once

#include "core/program.h"
#include "onnx/export/writer.h"

namespace onnxray::exporting {

/// One step on its way into the written graph: its operands, and what its results should be.
struct Translation {
  Writer& w;
  Values in;
  std::vector<Shape> shapes;  ///< of the results
  std::vector<DType> dtypes;
  bool reads_winner = true;  ///< of a MaxPool: whether anybody uses the second result
};

/// The results of a step, one value each; kinds may differ from `dtypes`.
Values translate(const Primitive& primitive, const Translation& t);

// One function per primitive. translate.cpp holds the list.
Values write_elementwise(const Elementwise& p, const Translation& t);
Values write_convolution(const Convolution& p, const Translation& t);
Values write_convolution_input(const ConvolutionInput& p, const Translation& t);
Values write_split_convolution(const SplitConvolution& p, const Translation& t);
Values write_split_convolution_input(const SplitConvolutionInput& p, const Translation& t);
Values write_convolution_weight(const ConvolutionWeight& p, const Translation& t);
Values write_matmul(const MatMul& p, const Translation& t);
Values write_form_products(const FormProducts& p, const Translation& t);
Values write_reduce(const Reduce& p, const Translation& t);
Values write_arg_reduce(const ArgReduce& p, const Translation& t);
Values write_top_k(const TopK& p, const Translation& t);
Values write_softmax(const Softmax& p, const Translation& t);
Values write_cum_sum(const CumSum& p, const Translation& t);
Values write_max_pool(const MaxPool& p, const Translation& t);
Values write_max_pool_scatter(const MaxPoolScatter& p, const Translation& t);
Values write_max_pool_gather(const MaxPoolGather& p, const Translation& t);
Values write_sum_pool(const SumPool& p, const Translation& t);
Values write_sum_pool_input(const SumPoolInput& p, const Translation& t);
Values write_reshape(const Reshape& p, const Translation& t);
Values write_transpose(const Transpose& p, const Translation& t);
Values write_broadcast(const Broadcast& p, const Translation& t);
Values write_slice(const Slice& p, const Translation& t);
Values write_place(const Place& p, const Translation& t);
Values write_concat(const Concat& p, const Translation& t);
Values write_gather(const Gather& p, const Translation& t);
Values write_gather_adjoint(const GatherAdjoint& p, const Translation& t);
Values write_ravel_index(const RavelIndex& p, const Translation& t);
Values write_gather_elements(const GatherElements& p, const Translation& t);
Values write_scatter_elements(const ScatterElements& p, const Translation& t);
Values write_axis_map(const AxisMap& p, const Translation& t);
[[noreturn]] Values write_noise(const Noise& p, const Translation& t);

/// Parts that several translators share: x (w) * and its adjoint over whole windows.
Value convolve(Writer& w, const Value& x, const Value& weight, const Value* bias, const Window& window,
               int64_t groups, const Shape& result);
Value convolve_adjoint(Writer& w, const Value& g, const Value& weight, const Window& window, int64_t groups,
                       const Shape& result);

}  // namespace onnxray::exporting
