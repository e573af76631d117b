#include "backward/vjp.h"

#include "core/fail.h"

namespace onnxray {

namespace {

struct Dispatch {
  const VjpContext& context;

  void operator()(const Elementwise& p) const { vjp_elementwise(context, p); }
  void operator()(const Convolution& p) const { vjp_linear(context, p); }
  void operator()(const ConvolutionInput& p) const { vjp_linear(context, p); }
  void operator()(const ConvolutionWeight& p) const { vjp_linear(context, p); }
  void operator()(const MatMul& p) const { vjp_linear(context, p); }
  void operator()(const SplitConvolution& p) const { refuse(p); }
  void operator()(const SplitConvolutionInput& p) const { refuse(p); }
  void operator()(const FormProducts& p) const { refuse(p); }
  void operator()(const Reduce& p) const { vjp_reduce(context, p); }
  void operator()(const ArgReduce&) const {}  // an index has no derivative
  void operator()(const TopK&) const {}
  void operator()(const RavelIndex&) const {}
  void operator()(const Softmax& p) const { vjp_reduce(context, p); }
  void operator()(const CumSum& p) const { vjp_reduce(context, p); }
  void operator()(const MaxPool& p) const { vjp_pool(context, p); }
  void operator()(const MaxPoolScatter& p) const { vjp_pool(context, p); }
  void operator()(const MaxPoolGather& p) const { vjp_pool(context, p); }
  void operator()(const SumPool& p) const { vjp_pool(context, p); }
  void operator()(const SumPoolInput& p) const { vjp_pool(context, p); }
  void operator()(const Reshape& p) const { vjp_movement(context, p); }
  void operator()(const Transpose& p) const { vjp_movement(context, p); }
  void operator()(const Broadcast& p) const { vjp_movement(context, p); }
  void operator()(const Slice& p) const { vjp_movement(context, p); }
  void operator()(const Place& p) const { vjp_movement(context, p); }
  void operator()(const Concat& p) const { vjp_movement(context, p); }
  void operator()(const Gather& p) const { vjp_gather(context, p); }
  void operator()(const GatherAdjoint& p) const { vjp_gather(context, p); }
  void operator()(const GatherElements& p) const { vjp_gather(context, p); }
  void operator()(const ScatterElements& p) const { vjp_gather(context, p); }
  void operator()(const AxisMap& p) const { vjp_movement(context, p); }
  void operator()(const Noise&) const {}  // drawn, not computed

  template <class P>
  [[noreturn]] static void refuse(const P& p) {
    fail(ErrorCode::failed, "{} stands in optimised programs only: differentiate before optimise()",
         name_of(Primitive(p)));
  }
};

}  // namespace

void emit_vjp(const VjpContext& context) {
  // Only the first output of any primitive carries a cotangent: the second of MaxPool is an index.
  if (!context.cotangents[0]) return;
  std::visit(Dispatch{context}, context.step.primitive);
}

}  // namespace onnxray
