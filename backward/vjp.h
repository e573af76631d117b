#pragma once

#include <functional>

#include "backward/where_arrived.h"

namespace onnxray {

/// One step seen from behind: what arrived at its outputs, and where to send what its inputs get.
struct VjpContext {
  Builder& b;
  const Step& step;                    ///< a copy: emitting grows the program
  std::vector<Var> cotangents;         ///< by output; unset where nothing arrived
  std::function<bool(Var)> needs;      ///< whether anybody wants the cotangent of a variable
  std::function<void(Var, Var)> send;  ///< (variable, its share)
  /// Whether a variable of the forward pass may be infinite or NaN (finiteness.h); unset: none may.
  std::function<bool(Var)> may_be_infinite = {};

  Var x(size_t i) const { return step.inputs[i]; }
  Var y(size_t i = 0) const { return step.outputs[i]; }
  bool wants(size_t i) const { return i < step.inputs.size() && needs(step.inputs[i]); }
  bool is_infinite(Var v) const { return may_be_infinite && may_be_infinite(v); }
};

/// Emits the vector-Jacobian product of one step: for every input that is wanted, J^T times the cotangents.
/// Elementwise steps must hold one instruction, as the Builder emits them: the walk runs before fusion.
void emit_vjp(const VjpContext& context);

// One file per group of primitives.
void vjp_elementwise(const VjpContext& context, const Elementwise& primitive);
void vjp_linear(const VjpContext& context, const Convolution& primitive);
void vjp_linear(const VjpContext& context, const ConvolutionInput& primitive);
void vjp_linear(const VjpContext& context, const ConvolutionWeight& primitive);
void vjp_linear(const VjpContext& context, const MatMul& primitive);
void vjp_reduce(const VjpContext& context, const Reduce& primitive);
void vjp_reduce(const VjpContext& context, const Softmax& primitive);
void vjp_reduce(const VjpContext& context, const CumSum& primitive);
void vjp_pool(const VjpContext& context, const MaxPool& primitive);
void vjp_pool(const VjpContext& context, const MaxPoolScatter& primitive);
void vjp_pool(const VjpContext& context, const MaxPoolGather& primitive);
void vjp_pool(const VjpContext& context, const SumPool& primitive);
void vjp_pool(const VjpContext& context, const SumPoolInput& primitive);
void vjp_movement(const VjpContext& context, const Reshape& primitive);
void vjp_movement(const VjpContext& context, const Transpose& primitive);
void vjp_movement(const VjpContext& context, const Broadcast& primitive);
void vjp_movement(const VjpContext& context, const Slice& primitive);
void vjp_movement(const VjpContext& context, const Place& primitive);
void vjp_movement(const VjpContext& context, const Concat& primitive);
void vjp_movement(const VjpContext& context, const AxisMap& primitive);
void vjp_gather(const VjpContext& context, const Gather& primitive);
void vjp_gather(const VjpContext& context, const GatherAdjoint& primitive);
void vjp_gather(const VjpContext& context, const GatherElements& primitive);
void vjp_gather(const VjpContext& context, const ScatterElements& primitive);

}  // namespace onnxray
