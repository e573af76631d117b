#include "onnx/export/translate.h"

#include "core/fail.h"

namespace onnxray::exporting {

namespace {

/// Every primitive and what writes it.
struct Translators {
  const Translation& t;
  Values operator()(const Elementwise& p) const { return write_elementwise(p, t); }
  Values operator()(const Convolution& p) const { return write_convolution(p, t); }
  Values operator()(const ConvolutionInput& p) const { return write_convolution_input(p, t); }
  Values operator()(const SplitConvolution& p) const { return write_split_convolution(p, t); }
  Values operator()(const SplitConvolutionInput& p) const { return write_split_convolution_input(p, t); }
  Values operator()(const ConvolutionWeight& p) const { return write_convolution_weight(p, t); }
  Values operator()(const MatMul& p) const { return write_matmul(p, t); }
  Values operator()(const FormProducts& p) const { return write_form_products(p, t); }
  Values operator()(const Reduce& p) const { return write_reduce(p, t); }
  Values operator()(const ArgReduce& p) const { return write_arg_reduce(p, t); }
  Values operator()(const TopK& p) const { return write_top_k(p, t); }
  Values operator()(const Softmax& p) const { return write_softmax(p, t); }
  Values operator()(const CumSum& p) const { return write_cum_sum(p, t); }
  Values operator()(const MaxPool& p) const { return write_max_pool(p, t); }
  Values operator()(const MaxPoolScatter& p) const { return write_max_pool_scatter(p, t); }
  Values operator()(const MaxPoolGather& p) const { return write_max_pool_gather(p, t); }
  Values operator()(const SumPool& p) const { return write_sum_pool(p, t); }
  Values operator()(const SumPoolInput& p) const { return write_sum_pool_input(p, t); }
  Values operator()(const Reshape& p) const { return write_reshape(p, t); }
  Values operator()(const Transpose& p) const { return write_transpose(p, t); }
  Values operator()(const Broadcast& p) const { return write_broadcast(p, t); }
  Values operator()(const Slice& p) const { return write_slice(p, t); }
  Values operator()(const Place& p) const { return write_place(p, t); }
  Values operator()(const Concat& p) const { return write_concat(p, t); }
  Values operator()(const Gather& p) const { return write_gather(p, t); }
  Values operator()(const GatherAdjoint& p) const { return write_gather_adjoint(p, t); }
  Values operator()(const RavelIndex& p) const { return write_ravel_index(p, t); }
  Values operator()(const GatherElements& p) const { return write_gather_elements(p, t); }
  Values operator()(const ScatterElements& p) const { return write_scatter_elements(p, t); }
  Values operator()(const AxisMap& p) const { return write_axis_map(p, t); }
  Values operator()(const Noise& p) const { write_noise(p, t); }
};

bool follows_winners(const Primitive& primitive) {
  return std::holds_alternative<MaxPoolScatter>(primitive) ||
         std::holds_alternative<MaxPoolGather>(primitive);
}

}  // namespace

Values translate(const Primitive& primitive, const Translation& t) {
  for (const Value& operand : t.in) {
    require(!operand.is_winner || follows_winners(primitive), ErrorCode::unsupported,
            "cannot be exported: '{}' computes with the winners of a max-pool, which ONNX numbers otherwise",
            name_of(primitive));
  }
  return std::visit(Translators{t}, primitive);
}

Values write_noise(const Noise&, const Translation&) {
  fail(ErrorCode::unsupported,
       "cannot be exported: onnxray's noise depends on the seed alone, and no ONNX operator draws it; give "
       "the noise with --param noise_file=FILE.npy, or choose a method without noise");
}

}  // namespace onnxray::exporting
