#include "core/fail.h"
#include "core/per_sample.h"
#include "methods/loop.h"
#include "methods/stem.h"
#include "methods/tokens.h"

namespace onnxray {

namespace {

/// How many gradients are taken: as many as the caller's noise has, where it gives any.
int64_t sample_count(const MethodSpec& method, const MethodContext& context) {
  if (context.noise.empty()) return method.conventions.samples;
  return context.b.shape(context.noise.front()).at(0);
}

void check_given_noise(const MethodSpec& method, const MethodContext& context) {
  Builder& b = context.b;
  require(!method.find("noise_file") || !context.noise.empty(), ErrorCode::usage,
          "noise_file of '{}': give it by --param; a caller of the library sets ExplainManyOptions::noise",
          method.text);
  for (size_t i = 0; i < context.noise.size(); ++i) {
    const Shape noise = b.shape(context.noise[i]), x = b.shape(context.var(context.explained[i]));
    const bool fits = noise.size() == x.size() + 1 && noise[0] > 0 &&
                      noise[0] == b.shape(context.noise.front())[0] &&
                      broadcast_shapes({noise.begin() + 1, noise.end()}, x) == x;
    require(fits, ErrorCode::usage, "noise of shape {} for '{}', which wants [samples, ...] before {}",
            to_string(noise), method.text, to_string(x));
    const bool counted = method.name.samples || method.find("samples");
    require(!counted || method.conventions.samples == noise[0], ErrorCode::usage,
            "'{}' asks for {} samples, the given noise has {}", method.text, method.conventions.samples,
            noise[0]);
  }
}

/// max - min of each sample.
Var range_per_sample(Builder& b, Var x, const std::optional<SampleAxis>& at) {
  return b.sub(reduce_per_sample(b, Reduce::Kind::max, x, at),
               reduce_per_sample(b, Reduce::Kind::min, x, at));
}

/// What is added to x in the steps of a trip. Every sample of a batch gets the same draws, as it would alone.
Var noise_of_steps(const MethodSpec& method, const MethodContext& context, Loop& loop, size_t i,
                   int64_t samples) {
  Builder& b = context.b;
  if (!context.noise.empty()) return loop.per_step(context.noise[i]);
  const Conventions& c = method.conventions;
  const Var x = context.var(context.explained[i]);
  const auto at = context.samples_of(i);
  const Shape shape = b.shape(x);
  Shape one = one_sample(shape, at);
  if (loop.width() > 1 && shape[0] == 1) one.erase(one.begin());  // the steps' axis is the samples'
  std::vector<double> scale(static_cast<size_t>(samples), c.noise_scale);
  if (c.clean_sample_last) scale.back() = 0;
  const uint64_t seed = seed_of(method) + i * 0x9E3779B97F4A7C15u;  // inputs differ
  const Var noise = b.noise(Noise::Kind::normal, seed, loop.step_numbers(), std::move(one), b.dtype(x));
  const Var draws = b.mul(loop.width() > 1 ? noise : repeated(b, noise, shape, at),
                          loop.numbers(scale, shape.size(), b.dtype(x)));
  return c.noise == Conventions::NoiseScale::range ? b.mul(draws, range_per_sample(b, x, at)) : draws;
}

/// x + noise, for each explained variable.
std::vector<Var> noisy(const MethodSpec& method, const MethodContext& context, Loop& loop, int64_t samples) {
  Builder& b = context.b;
  std::vector<Var> moved;
  for (size_t i = 0; i < context.explained.size(); ++i) {
    const Var x = context.var(context.explained[i]);
    const Var noise = noise_of_steps(method, context, loop, i, samples);
    const Var noisy = b.add(x, where_moving(context, i, noise, b.scalar(0, b.dtype(x))));
    moved.push_back(loop.joined(noisy, b.shape(x)));
  }
  return moved;
}

/// The same number for each sample.
std::vector<double> all(int64_t samples, double value) {
  return std::vector<double>(static_cast<size_t>(samples), value);
}

/// Adds up over the trips.
Var total_of(Builder& b, Loop& loop, Var part) {
  const Loop::Carried total = loop.carry(b.shape(part), b.dtype(part));
  loop.update(total, b.add(total.current, part));
  return total.current;
}

std::vector<Var> emit_mean(const MethodSpec& method, const MethodContext& context, int64_t samples) {
  // mean of g_s = sum of the gradients of f / n. Noise is new in every step, so S(x + e_s) stays in the loop,
  // but the adjoint of an affine input layer S is the same everywhere: it is applied to the sum.
  Builder& b = context.b;
  const std::vector<ValueId> stem = find_stem(context);
  const std::span<const ValueId> ends = stem.empty() ? context.explained : stem;
  std::vector<ValueId> values(context.explained.begin(), context.explained.end());
  values.insert(values.end(), stem.begin(), stem.end());
  Loop loop(context, method, samples, values);
  const Var s = context.selection;
  const Var share = loop.weights(all(samples, 1 / static_cast<double>(samples)), b.rank(s), b.dtype(s));
  const MovedPass pass(context, loop.wide(), context.explained, noisy(method, context, loop, samples),
                       loop.joined(b.mul(share, s), b.shape(s)));
  std::vector<Var> means;
  for (const Var g : pass.gradients(method, ends))
    means.push_back(total_of(b, loop, loop.sum_of_steps(loop.apart(g))));
  loop.finish();
  return stem.empty() ? means : stem_adjoint(context, stem, means);
}

/// The gradients of a trip's steps, side by side.
std::vector<Var> gradients_of_trip(const MethodSpec& method, const MethodContext& context, Loop& loop,
                                   int64_t samples) {
  const Var s = context.selection;
  const MovedPass pass(context, loop.wide(), context.explained, noisy(method, context, loop, samples),
                       loop.joined(s, context.b.shape(s)));
  std::vector<Var> gradients;
  for (const Var g : pass.gradients(method, context.explained)) gradients.push_back(loop.apart(g));
  return gradients;
}

std::vector<Var> emit_mean_square(const MethodSpec& method, const MethodContext& context, int64_t samples) {
  Builder& b = context.b;
  Loop loop(context, method, samples, context.explained);
  std::vector<Var> means;
  for (const Var g : gradients_of_trip(method, context, loop, samples)) {
    const size_t rank = b.rank(context.var(context.explained[means.size()]));
    const Var share = loop.weights(all(samples, 1 / static_cast<double>(samples)), rank, b.dtype(g));
    means.push_back(total_of(b, loop, loop.sum_of_steps(b.mul(share, b.mul(g, g)))));
  }
  loop.finish();
  return means;
}

/// The spread of gradients, joined from trip to trip (Chan, Golub and LeVeque 1979). A trip's k gradients v
/// have mean m and squared distances M; n came before:
///   d = m - mean,  mean' = mean + d k / (n + k),  M' = M' + M + d^2 n k / (n + k).
Var spread_of(Builder& b, Loop& loop, Var v, const Shape& shape, int64_t samples) {
  std::vector<double> own, share, cross;
  int64_t n = 0;
  for (int64_t t = 0; t < loop.trips(); ++t) {
    const int64_t k = loop.steps_of(t);
    own.insert(own.end(), static_cast<size_t>(k), 1 / static_cast<double>(k));
    share.push_back(static_cast<double>(k) / static_cast<double>(n + k));
    cross.push_back(static_cast<double>(n) * share.back());
    n += k;
  }
  const DType type = b.dtype(v);
  const Loop::Carried mean = loop.carry(shape, type), spread = loop.carry(shape, type);
  Var m = v, within;
  if (loop.width() > 1) {
    m = loop.sum_of_steps(b.mul(loop.weights(own, shape.size(), type), v));
    const Var from_mean = b.sub(v, m), counts = loop.weights(all(samples, 1), shape.size(), type);
    within = loop.sum_of_steps(b.mul(counts, b.mul(from_mean, from_mean)));
  }
  const Var d = b.sub(m, mean.current);
  loop.update(mean, b.add(mean.current, b.mul(d, loop.per_trip(share, type))));
  Var more = b.mul(b.mul(d, d), loop.per_trip(cross, type));
  if (within) more = b.add(more, within);
  loop.update(spread, b.add(spread.current, more));
  return spread.current;
}

std::vector<Var> emit_variance(const MethodSpec& method, const MethodContext& context, int64_t samples) {
  Builder& b = context.b;
  Loop loop(context, method, samples, context.explained);
  std::vector<Var> spreads;
  for (const Var g : gradients_of_trip(method, context, loop, samples)) {
    const Shape shape = b.shape(context.var(context.explained[spreads.size()]));
    spreads.push_back(spread_of(b, loop, g, shape, samples));
  }
  loop.finish();
  for (Var& v : spreads) v = b.mul(v, 1.0 / static_cast<double>(samples));
  return spreads;
}

}  // namespace

std::vector<Var> emit_smoothgrad(const MethodSpec& method, const MethodContext& context) {
  using Family = MethodName::Family;
  check_given_noise(method, context);
  const int64_t samples = sample_count(method, context);
  switch (method.name.family) {
    case Family::smoothgrad_squared: return emit_mean_square(method, context, samples);
    case Family::vargrad: return emit_variance(method, context, samples);
    default: return emit_mean(method, context, samples);
  }
}

}  // namespace onnxray
