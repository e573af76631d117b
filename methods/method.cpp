#include "methods/method.h"

namespace onnxray {

namespace {

Var modified(Builder& b, const Modifiers& modifiers, Var attribution, Var x) {
  if (modifiers.x_input) attribution = b.mul(attribution, x);
  if (!modifiers.x_sign) return attribution;
  if (!modifiers.mu) return b.mul(attribution, b.unary(Opcode::sign_positive, x));
  // s_mu(x) = -1 where x < mu, +1 where x >= mu; NaN stays NaN
  const DType type = b.dtype(x);
  const Var high = b.select(b.less_equal(*modifiers.mu, x), b.scalar(1, type), x);
  return b.mul(attribution, b.select(b.less(x, *modifiers.mu), b.scalar(-1, type), high));
}

}  // namespace

std::vector<Var> emit_method(const MethodName& method, const MethodContext& context) {
  std::vector<Var> attributions;
  switch (method.family) {
    case MethodName::Family::gradient: attributions = emit_gradient(method, context); break;
    case MethodName::Family::lrp: attributions = emit_lrp(method, context); break;
  }
  Builder& b = context.b;
  for (size_t i = 0; i < attributions.size(); ++i) {
    const Var x = context.explained[i];
    // Nothing arrived: the target does not depend on this input.
    if (!attributions[i]) attributions[i] = b.filled(0, b.shape(x), b.dtype(x));
    attributions[i] = modified(b, method.modifiers, attributions[i], x);
  }
  return attributions;
}

}  // namespace onnxray
