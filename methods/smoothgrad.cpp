#include "core/fail.h"
#include "methods/loop.h"

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
  }
}

/// max - min of each sample.
Var range_per_sample(Builder& b, Var x) {
  const std::vector<int64_t> axes = axes_from(1, b.rank(x));
  if (axes.empty()) return b.sub(x, x);
  return b.sub(b.reduce(Reduce::Kind::max, x, axes), b.reduce(Reduce::Kind::min, x, axes));
}

/// What is added to x in a trip. Every sample of a batch gets the same draws, as it would alone.
Var noise_of_trip(const MethodSpec& method, const MethodContext& context, Loop& loop, size_t i,
                  int64_t samples) {
  Builder& b = context.b;
  if (!context.noise.empty()) return loop.per_trip(context.noise[i]);
  const Conventions& c = method.conventions;
  const Var x = context.var(context.explained[i]);
  Shape one = b.shape(x);
  if (!one.empty()) one[0] = 1;
  std::vector<double> scale(static_cast<size_t>(samples), c.noise_scale);
  if (c.clean_sample_last) scale.back() = 0;
  const uint64_t seed = seed_of(method) + i * 0x9E3779B97F4A7C15u;  // inputs differ
  const Var draws = b.mul(b.noise(Noise::Kind::normal, seed, loop.trip(), one, b.dtype(x)),
                          loop.per_trip(scale, b.dtype(x)));
  return c.noise == Conventions::NoiseScale::range ? b.mul(draws, range_per_sample(b, x)) : draws;
}

/// The mean over trips of what `next` is given, and the sum of squared distances from it (Welford's update).
class RunningMoments {
 public:
  RunningMoments(Builder& b, Loop& loop, Shape shape, DType dtype, bool wants_spread)
      : b_(b), loop_(loop), dtype_(dtype), mean_(loop.carry(shape, dtype)), wants_spread_(wants_spread) {
    if (wants_spread) spread_ = loop.carry(shape, dtype);
  }

  void next(Var value, int64_t samples) {
    // mean' = mean + (v - mean) / (t + 1);  M' = M + (v - mean)(v - mean')
    std::vector<double> share;
    for (int64_t t = 0; t < samples; ++t) share.push_back(1.0 / static_cast<double>(t + 1));
    const Var before = b_.sub(value, mean_.current);
    const Var mean = b_.add(mean_.current, b_.mul(before, loop_.per_trip(share, dtype_)));
    loop_.update(mean_, mean);
    if (wants_spread_) loop_.update(spread_, b_.add(spread_.current, b_.mul(before, b_.sub(value, mean))));
  }

  Var mean() const { return mean_.current; }
  Var spread() const { return spread_.current; }

 private:
  Builder& b_;
  Loop& loop_;
  DType dtype_;
  Loop::Carried mean_, spread_;
  bool wants_spread_;
};

}  // namespace

std::vector<Var> emit_smoothgrad(const MethodSpec& method, const MethodContext& context) {
  using Family = MethodName::Family;
  Builder& b = context.b;
  check_given_noise(method, context);
  const Family family = method.name.family;
  const int64_t samples = sample_count(method, context);
  Loop loop(context, samples);
  std::vector<Var> moved;
  for (size_t i = 0; i < context.explained.size(); ++i) {
    moved.push_back(
        b.add(context.var(context.explained[i]), noise_of_trip(method, context, loop, i, samples)));
  }
  const MovedPass pass(context, moved);
  std::vector<RunningMoments> moments;
  for (const Var g : pass.gradients(method)) {
    moments.emplace_back(b, loop, b.shape(g), b.dtype(g), family == Family::vargrad);
    moments.back().next(family == Family::smoothgrad_squared ? b.mul(g, g) : g, samples);
  }
  loop.finish();
  std::vector<Var> attributions;
  for (const RunningMoments& m : moments) {
    attributions.push_back(family == Family::vargrad ? b.mul(m.spread(), 1.0 / static_cast<double>(samples))
                                                     : m.mean());
  }
  return attributions;
}

}  // namespace onnxray
