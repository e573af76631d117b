#include "methods/method.h"
#include "rules/relu_override.h"

namespace onnxray {

std::vector<Var> emit_guided(const MethodSpec& method, const MethodContext& context) {
  const bool guided = method.name.family != MethodName::Family::deconvnet;
  const std::unique_ptr<Rule> rule = make_relu_override(guided ? ReluOverride::guided : ReluOverride::deconv);
  const auto pick = [&](int32_t n) -> const Rule* {
    return is_rectifier(context.graph, context.graph.nodes[static_cast<size_t>(n)]) ? rule.get() : nullptr;
  };
  ReverseWalk walk(context.graph, context.forward, context.b, pick);
  walk.seed(context.logits(), seed(method, context));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
