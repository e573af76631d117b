#include "core/fail.h"
#include "methods/method.h"

namespace onnxray {

namespace {

RuleSpec input_layer_rule(const MethodName& name) {
  if (name.input_rule == "sign" && name.input_mu) return {"sign_mu", {{"mu", *name.input_mu}}};
  return {name.input_rule};
}

}  // namespace

Composite lrp_composite(const MethodSpec& method) {
  Composite composite{method.text, {}};
  require(method.name.rule.has_value(), ErrorCode::unsupported, "method '{}' is a known name, but this version of onnxray does not compute it", method.text);
  if (!method.name.input_rule.empty()) {
    composite.entries.push_back({{.relevance = RelevanceClass::linear, .ops = {}, .input_layer = true}, input_layer_rule(method.name)});
  }
  composite.entries.push_back({{.relevance = RelevanceClass::linear, .ops = {}}, *method.name.rule});
  return composite;
}

std::vector<Var> emit_lrp(const MethodSpec& method, const MethodContext& context) {
  const RuleAssignment rules(context.graph, context.ops, lrp_composite(method));
  ReverseWalk walk(context.graph, context.forward, context.b, [&](int32_t node) { return rules(node); });
  walk.seed(context.logits(), seed(method, context));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
