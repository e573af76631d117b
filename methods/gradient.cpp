#include "methods/method.h"

namespace onnxray {

std::vector<Var> emit_gradient(const MethodSpec& method, const MethodContext& context) {
  // d (selection . logits) / dx
  ReverseWalk walk(context.graph, context.forward, context.b, {});
  walk.seed(context.logits(), seed(method, context));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
