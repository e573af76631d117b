#include "core/fail.h"
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

/// How many baselines the caller gave: tensors with an axis more than x hold several, which are averaged
/// over.
int64_t several_baselines(const MethodSpec& method, const MethodContext& context) {
  Builder& b = context.b;
  int64_t count = 0;
  for (size_t i = 0; i < context.baselines.size(); ++i) {
    const Shape given = b.shape(context.baselines[i]), x = b.shape(context.var(context.explained[i]));
    if (given.size() != x.size() + 1) continue;
    require((count == 0 || given[0] == count) && given[0] > 0 &&
                broadcast_shapes({given.begin() + 1, given.end()}, x) == x,
            ErrorCode::usage, "baselines of shape {} do not fit the input {} of '{}'", to_string(given),
            to_string(x), method.text);
    count = given[0];
  }
  return count;
}

std::vector<double> repeated(const std::vector<double>& values, int64_t times, double factor) {
  std::vector<double> all;
  for (int64_t n = 0; n < times; ++n) {
    for (const double v : values) all.push_back(v * factor);
  }
  return all;
}

/// The mean over baselines: (x - x0) changes from trip to trip, so it is inside the sum.
std::vector<Var> emit_mean_over_baselines(const MethodSpec& method, const MethodContext& context,
                                          const Quadrature& rule, int64_t count) {
  Builder& b = context.b;
  const auto points = std::ssize(rule.points);
  std::vector<int64_t> which;
  for (int64_t t = 0; t < count * points; ++t) which.push_back(t / points);
  const std::vector<double> alpha = repeated(rule.points, count, 1),
                            weight = repeated(rule.weights, count, 1 / static_cast<double>(count));
  Loop loop(context, count * points);
  const Var number = loop.per_trip(Tensor::of<int64_t>({count * points}, which), DType::i64);
  std::vector<Loop::Carried> total;
  std::vector<Var> difference, moved;
  for (size_t i = 0; i < context.explained.size(); ++i) {
    const Var x = context.var(context.explained[i]), x0 = b.gather(context.baselines[i], number, 0);
    total.push_back(loop.carry(b.shape(x), b.dtype(x)));
    difference.push_back(b.sub(x, x0));
    moved.push_back(b.add(x0, b.mul(loop.per_trip(alpha, b.dtype(x)), difference[i])));
  }
  const MovedPass pass(context, moved);
  const std::vector<Var> g = pass.gradients(method);
  std::vector<Var> attributions;
  for (size_t i = 0; i < g.size(); ++i) {
    const Var part = b.mul(difference[i], b.mul(loop.per_trip(weight, b.dtype(g[i])), g[i]));
    loop.update(total[i], b.add(total[i].current, part));
    attributions.push_back(total[i].current);
  }
  loop.finish();
  return attributions;
}

}  // namespace

std::vector<Var> emit_integrated_gradients(const MethodSpec& method, const MethodContext& context) {
  // (x - x0) * integral of df/dx at x0 + alpha (x - x0) over alpha in [0, 1]
  Builder& b = context.b;
  const Quadrature rule = quadrature(method.conventions.ig_quadrature, method.conventions.steps);
  if (const int64_t count = several_baselines(method, context))
    return emit_mean_over_baselines(method, context, rule, count);
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
