#include "methods/loop.h"
#include "methods/quadrature.h"

namespace onnxray {

namespace {

/// sum of attributions - (f(x) - f(x0)) per sample: 0 for an exact integral.
Var completeness_gap(const MethodContext& context, std::span<const Var> attributions, Var start) {
  Builder& b = context.b;
  Var gap = b.sub(start, score(b, context.selection, context.logits()));
  for (const Var a : attributions) gap = b.add(gap, sum_per_sample(b, a));
  return gap;
}

}  // namespace

std::vector<Var> emit_integrated_gradients(const MethodSpec& method, const MethodContext& context) {
  // (x - x0) * integral of df/dx at x0 + alpha (x - x0) over alpha in [0, 1]
  Builder& b = context.b;
  const Quadrature rule = quadrature(method.conventions.ig_quadrature, method.conventions.steps);
  const std::vector<Var> x = context.explained_vars(), x0 = baselines(method, context);
  std::vector<Var> difference, start;
  for (size_t i = 0; i < x.size(); ++i) {
    difference.push_back(b.sub(x[i], x0[i]));
    start.push_back(b.broadcast(x0[i], b.shape(x[i])));
  }
  const MovedPass at_start(context, start);
  const Var start_score = score(b, context.selection, at_start.context().logits());

  Loop loop(context, std::ssize(rule.points));
  std::vector<Loop::Carried> total;
  std::vector<Var> moved;
  for (size_t i = 0; i < x.size(); ++i) {
    total.push_back(loop.carry(b.shape(x[i]), b.dtype(x[i])));
    moved.push_back(b.add(x0[i], b.mul(loop.per_trip(rule.points, b.dtype(x[i])), difference[i])));
  }
  const MovedPass pass(context, moved);
  const std::vector<Var> g = pass.gradients(method);
  for (size_t i = 0; i < x.size(); ++i) {
    loop.update(total[i], b.add(total[i].current, b.mul(loop.per_trip(rule.weights, b.dtype(x[i])), g[i])));
  }
  loop.finish();
  std::vector<Var> attributions;
  for (size_t i = 0; i < x.size(); ++i) attributions.push_back(b.mul(difference[i], total[i].current));
  if (context.report) context.report("gap", completeness_gap(context, attributions, start_score));
  return attributions;
}

}  // namespace onnxray
