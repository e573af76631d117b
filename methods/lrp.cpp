#include "methods/method.h"

namespace onnxray {

std::vector<Var> emit_lrp(const MethodName& method, const MethodContext& context) {
  // Relevance starts with the logit itself at the target, so that a conserving rule explains all of it.
  const RuleAssignment rules(context.graph, context.ops, method.composite);
  ReverseWalk walk(context.graph, context.forward, context.b, [&](int32_t node) { return rules(node); });
  walk.seed(context.logits, context.b.mul(context.selection, context.logits));
  return walk.run(context.explained);
}

}  // namespace onnxray
