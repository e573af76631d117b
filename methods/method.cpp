#include "methods/method.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "methods/deep_taylor.h"
#include "methods/tokens.h"
#include "rules/threshold.h"

namespace onnxray {

namespace {

using Family = MethodName::Family;

Var modified(Builder& b, const MethodSpec& method, Var attribution, Var x) {
  const Modifiers& modifiers = method.name.modifiers;
  if (modifiers.x_input) attribution = b.mul(attribution, x);
  if (!modifiers.x_sign) return attribution;
  if (!modifiers.mu) {
    const bool keeps_zero = method.conventions.sign_of_zero == 0;
    return b.mul(attribution, b.unary(keeps_zero ? Opcode::sign : Opcode::sign_positive, x));
  }
  // s_mu(x) = -1 where x < mu, +1 where x >= mu; NaN stays NaN
  const DType type = b.dtype(x);
  const double mu = threshold_in(*modifiers.mu, type);
  const Var high = b.select(b.less_equal(mu, x), b.scalar(1, type), x);
  return b.mul(attribution, b.select(b.less(x, mu), b.scalar(-1, type), high));
}

std::vector<Var> emit_family(const MethodSpec& method, const MethodContext& context) {
  switch (method.name.family) {
    case Family::gradient: return emit_gradient(method, context);
    case Family::guided_backprop:
    case Family::deconvnet: return emit_guided(method, context);
    case Family::integrated_gradients: return emit_integrated_gradients(method, context);
    case Family::smoothgrad:
    case Family::smoothgrad_squared:
    case Family::vargrad: return emit_smoothgrad(method, context);
    case Family::grad_cam:
    case Family::guided_grad_cam: return emit_grad_cam(method, context);
    case Family::occlusion:
    case Family::random_uniform: break;  // over inputs: emit_method
    case Family::lrp: return emit_lrp(method, context);
    case Family::deep_taylor:
    case Family::deep_taylor_bounded: return emit_deep_taylor(method, context);
  }
  return {};
}

}  // namespace

std::vector<Var> MethodContext::explained_vars() const {
  std::vector<Var> vars;
  for (const ValueId id : explained) vars.push_back(var(id));
  return vars;
}

namespace {

bool starts_with_logit(const MethodSpec& method) {
  using SeedValue = Conventions::SeedValue;
  const Family family = method.name.family;
  // By method: relevance shares out the logit itself, and guided methods follow; derivatives start with 1.
  const bool logit_by_method = family == Family::lrp || family == Family::deep_taylor ||
                               family == Family::deep_taylor_bounded || family == Family::guided_backprop ||
                               family == Family::deconvnet;
  const SeedValue chosen = method.conventions.seed_value;
  return chosen == SeedValue::logit || (chosen == SeedValue::by_method && logit_by_method);
}

}  // namespace

Var seed(const MethodSpec& method, const MethodContext& context) {
  return starts_with_logit(method) ? context.b.mul(context.selection, context.logits()) : context.selection;
}

bool shares_score(const MethodSpec& method) {
  const Modifiers& modifiers = method.name.modifiers;
  if (!starts_with_logit(method) || modifiers.x_input || modifiers.x_sign) return false;
  switch (method.name.family) {
    case Family::deep_taylor:
    case Family::deep_taylor_bounded: return true;
    case Family::lrp:
      return std::ranges::none_of(lrp_composite(method).entries, [](const CompositeEntry& entry) {
        return entry.rule.rule == "sign" || entry.rule.rule == "sign_mu";
      });
    default: return false;
  }
}

uint64_t seed_of(const MethodSpec& method) {
  const double number = method.number("seed", 0);
  require(number >= 0 && number < 9007199254740992.0 && number == std::floor(number), ErrorCode::usage,
          "seed={} of '{}' is not a whole number >= 0", number, method.text);
  return static_cast<uint64_t>(number);
}

bool needs_loop(const MethodSpec& method) {
  switch (method.name.family) {
    case Family::integrated_gradients:
    case Family::smoothgrad:
    case Family::smoothgrad_squared:
    case Family::vargrad:
    case Family::occlusion: return true;
    default: return false;
  }
}

std::vector<Var> emit_method(const MethodSpec& method, const MethodContext& context) {
  const Family family = method.name.family;
  if (family == Family::occlusion) return emit_occlusion(method, context);
  if (family == Family::random_uniform) return emit_random_uniform(method, context);
  std::vector<Var> attributions = emit_family(method, context);
  Builder& b = context.b;
  for (size_t i = 0; i < attributions.size(); ++i) {
    const Var x = context.var(context.explained[i]);
    // Nothing arrived: the target does not depend on this input.
    if (!attributions[i]) attributions[i] = b.filled(0, b.shape(x), b.dtype(x));
    attributions[i] = modified(b, method, attributions[i], x);
  }
  std::vector<Var> maps;
  for (const ExplainedInput& input : context.inputs_explained)
    maps.push_back(by_entry(method, context, input, attributions));
  return maps;
}

}  // namespace onnxray
