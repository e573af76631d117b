#pragma once

#include "backward/reverse.h"
#include "methods/method_name.h"

namespace onnxray {

/// What a method emits into: the shared forward pass, the score to explain, and the builder.
struct MethodContext {
  const Graph& graph;
  const OpRegistry& ops;
  Builder& b;
  const Forward& forward;
  std::span<const Var> explained;  ///< the variables to attribute to: floating inputs, or an inner value
  Var logits;                      ///< [N, ...]: what targets index
  Var selection;                   ///< like logits: 1 (or a weight) at each sample's target, else 0
};

/// Emits the attribution of every explained variable, in its shape.
std::vector<Var> emit_method(const MethodName& method, const MethodContext& context);

// One file per family.
std::vector<Var> emit_gradient(const MethodName& method, const MethodContext& context);
std::vector<Var> emit_lrp(const MethodName& method, const MethodContext& context);

}  // namespace onnxray
