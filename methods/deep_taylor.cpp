#include "methods/deep_taylor.h"

#include "methods/lrp.h"

namespace onnxray {

namespace {

bool is_proxy(const MethodSpec& method) {
  return method.conventions.deep_taylor == Conventions::DeepTaylor::epsilon;
}

}  // namespace

Composite deep_taylor_composite(const MethodSpec& method) {
  Composite composite{method.text, {}};
  if (method.name.family == MethodName::Family::deep_taylor_bounded)
    composite.entries.push_back(at_input_layer(bounded_rule(method)));
  if (is_proxy(method)) {
    // SignXAI's page: LRP epsilon stands in for Deep Taylor.
    composite.entries.push_back(at_linear_layers({"epsilon", {{"epsilon", method.number("epsilon", 1e-6)}}}));
    return composite;
  }
  // iNNvestigate: z+ without bias at linear layers, w^2 at BatchNormalization, plain derivatives where values
  // are summed.
  composite.entries.push_back(at_linear_layers({"z_plus"}));
  composite.entries.push_back({{.ops = {"BatchNormalization"}}, {"w_square"}});
  composite.entries.push_back({{.relevance = RelevanceClass::sum}, {"vjp"}});
  return composite;
}

std::vector<Var> emit_deep_taylor(const MethodSpec& method, const MethodContext& context) {
  const RuleAssignment rules(context.graph, context.ops, deep_taylor_composite(method), method.conventions);
  ReverseWalk walk(context.graph, context.forward, context.b, [&](int32_t node) { return rules(node); });
  walk.samples = &context.samples;
  const Var start = seed(method, context);
  // Deep Taylor decomposes relu(f): a negative output has no positive relevance to share.
  walk.seed(context.logits(), is_proxy(method) ? start : context.b.unary(Opcode::relu, start));
  return walk.run(context.explained_vars());
}

}  // namespace onnxray
