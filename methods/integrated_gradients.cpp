#include <algorithm>

#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/loop.h"
#include "methods/quadrature.h"
#include "methods/stem.h"
#include "methods/tokens.h"

namespace onnxray {

namespace {

/// sum of attributions - (f(x) - f(x0)) per sample: 0 for an exact integral. `start` is f(x0), or its mean.
/// One number where samples share an input: its attribution is of all.
Var completeness_gap(const MethodContext& context, std::span<const Var> attributions, Var start) {
  Builder& b = context.b;
  const auto is_shared = [&](ValueId id) { return context.samples.count != 1 && !context.samples.of(id); };
  const bool all_together = std::ranges::any_of(context.explained, is_shared);
  Var gap = b.sub(start, score(context, context.selection));
  if (all_together) gap = sum_per_sample(b, gap, {});
  for (size_t i = 0; i < attributions.size(); ++i) {
    const auto at = all_together ? std::nullopt : context.samples_of(i);
    gap = b.add(gap, sum_per_sample(b, attributions[i], at));
  }
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

/// What the steps of a trip select: w_i times the target's entry, so that gradients come back weighted.
Var step_selection(Loop& loop, const MethodContext& context, const std::vector<double>& weights) {
  Builder& b = context.b;
  const Var s = context.selection;
  return loop.joined(b.mul(loop.weights(weights, b.rank(s), b.dtype(s)), s), b.shape(s));
}

std::vector<double> repeated(const std::vector<double>& values, int64_t times, double factor) {
  std::vector<double> all;
  for (int64_t n = 0; n < times; ++n) {
    for (const double v : values) all.push_back(v * factor);
  }
  return all;
}

/// The rule with the baseline itself as its first point, of weight 0 where the rule has it not: f(x0) is read
/// there.
Quadrature from_the_start(Quadrature rule) {
  if (rule.points.front() == 0) return rule;
  rule.points.insert(rule.points.begin(), 0);
  rule.weights.insert(rule.weights.begin(), 0);
  return rule;
}

/// The mean over baselines: (x - x0) changes from step to step, so it is inside the sum.
std::vector<Var> emit_mean_over_baselines(const MethodSpec& method, const MethodContext& context,
                                          const Quadrature& given, int64_t count) {
  Builder& b = context.b;
  const Quadrature rule = context.report ? from_the_start(given) : given;
  const auto points = std::ssize(rule.points);
  std::vector<int64_t> which;
  for (int64_t t = 0; t < count * points; ++t) which.push_back(t / points);
  std::vector<double> first(rule.points.size(), 0);
  first[0] = 1;
  const double share = 1 / static_cast<double>(count);
  const std::vector<double> alpha = repeated(rule.points, count, 1),
                            weight = repeated(rule.weights, count, share),
                            starts = repeated(first, count, share);
  Loop loop(context, method, count * points, context.explained);
  const Var number = loop.per_step(b.constant(Tensor::of<int64_t>({count * points}, which)));
  std::vector<Loop::Carried> total;
  std::vector<Var> difference, moved;
  for (size_t i = 0; i < context.explained.size(); ++i) {
    const Var x = context.var(context.explained[i]);
    const Var x0 = where_moving(context, i, loop.entries(context.baselines[i], number), x);
    total.push_back(loop.carry(b.shape(x), b.dtype(x)));
    difference.push_back(b.sub(x, x0));
    const Var a = loop.numbers(alpha, b.rank(x), b.dtype(x));
    moved.push_back(loop.joined(b.add(x0, b.mul(a, difference[i])), b.shape(x)));
  }
  const MovedPass pass(context, loop.wide(), context.explained, moved, step_selection(loop, context, weight));
  const Var f0 = loop.sum_of_steps(loop.apart(score(pass.context(), step_selection(loop, context, starts))));
  const Loop::Carried start = loop.carry(b.shape(f0), b.dtype(f0));
  loop.update(start, b.add(start.current, f0));
  const std::vector<Var> g = pass.gradients(method, context.explained);
  std::vector<Var> attributions;
  for (size_t i = 0; i < g.size(); ++i) {
    const Var part = loop.sum_of_steps(b.mul(difference[i], loop.apart(g[i])));
    loop.update(total[i], b.add(total[i].current, part));
    attributions.push_back(total[i].current);
  }
  loop.finish();
  if (context.report) context.report("gap", completeness_gap(context, attributions, start.current));
  return attributions;
}

/// sum over i of w_i df/dv at v0 + a_i (v - v0), for `values` v of the graph that all move together.
std::vector<Var> path_sum(const MethodSpec& method, const MethodContext& context, const Quadrature& rule,
                          std::span<const ValueId> values, std::span<const Var> start) {
  Builder& b = context.b;
  Loop loop(context, method, std::ssize(rule.points), values);
  std::vector<Loop::Carried> total;
  std::vector<Var> moved;
  for (size_t i = 0; i < values.size(); ++i) {
    const Var v = context.var(values[i]), v0 = start[i];
    total.push_back(loop.carry(b.shape(v), b.dtype(v)));
    const Var a = loop.numbers(rule.points, b.rank(v), b.dtype(v));
    moved.push_back(loop.joined(b.add(v0, b.mul(a, b.sub(v, v0))), b.shape(v)));
  }
  const MovedPass pass(context, loop.wide(), values, moved, step_selection(loop, context, rule.weights));
  const std::vector<Var> g = pass.gradients(method, values);
  std::vector<Var> sums;
  for (size_t i = 0; i < values.size(); ++i) {
    loop.update(total[i], b.add(total[i].current, loop.sum_of_steps(loop.apart(g[i]))));
    sums.push_back(total[i].current);
  }
  loop.finish();
  return sums;
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
  const Var start_score = score(at_start.context(), context.selection);

  // The input layer S is affine, so S(x0 + a (x - x0)) = S(x0) + a (S(x) - S(x0)): both ends are known, and
  // the loop runs from S(x0) to S(x).
  const std::vector<ValueId> stem = find_stem(context);
  std::vector<Var> integral;
  if (stem.empty()) {
    integral = path_sum(method, context, rule, context.explained, x0);
  } else {
    std::vector<Var> stem_start;
    for (const ValueId id : stem) stem_start.push_back(at_start.context().var(id));
    integral = stem_adjoint(context, stem, path_sum(method, context, rule, stem, stem_start));
  }
  std::vector<Var> attributions;
  for (size_t i = 0; i < x.size(); ++i)
    attributions.push_back(integral[i] ? b.mul(difference[i], integral[i])
                                       : b.filled(0, b.shape(x[i]), b.dtype(x[i])));
  if (context.report) context.report("gap", completeness_gap(context, attributions, start_score));
  return attributions;
}

}  // namespace onnxray
