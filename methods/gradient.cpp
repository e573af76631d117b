#include "methods/method.h"

namespace onnxray {

std::vector<Var> emit_gradient(const MethodName&, const MethodContext& context) {
  // d (selection . logits) / dx: the pass starts with 1 at the target
  ReverseWalk walk(context.graph, context.forward, context.b, {});
  walk.seed(context.logits, context.selection);
  return walk.run(context.explained);
}

}  // namespace onnxray
