#include "core/batch_groups.h"

#include <algorithm>
#include <limits>

#include "core/cost.h"

namespace onnxray {

namespace {

/// Starting a step, in flops: some two microseconds.
constexpr double kStart = 5e5;
/// A smaller group may cost so much more per sample: memory is worth it, and the estimate is no better.
constexpr double kSlack = 1.02;

/// A step of the plan: what it takes per sample, and however many samples there are.
struct StepLoad {
  double times = 1;
  double f = 0;  ///< flops per sample
  double b = 0;  ///< bytes per sample: operands and results
  double w = 0;  ///< bytes of constants
};

StepLoad load_of(const Plan& plan, const Step& step, int64_t samples) {
  const Program& program = plan.program;
  const Cost cost = cost_of(program, step, plan.options);
  StepLoad load;
  if (step.block == Block::repeat) load.times = static_cast<double>(program.trips);
  for (const Var v : step.inputs) {
    if (program.is_constant(v))
      load.w +=
          static_cast<double>(element_count(program[v].shape) * stored_size(program[v].dtype, plan.options));
  }
  load.w = std::min(load.w, cost.bytes);  // a gather reads a part
  load.f = cost.flops / static_cast<double>(samples);
  load.b = (cost.bytes - load.w) / static_cast<double>(samples);
  return load;
}

/// T(g) / g with T(g) = sum over steps of max(g f, 10 (w + [g b > C] g b)) + kStart: what a group of g
/// samples takes per sample, arithmetic hiding what memory moves meanwhile, in flops; C is the cache.
double cost_per_sample(const std::vector<StepLoad>& loads, double g, double C) {
  double T = 0;
  for (const auto& [times, f, b, w] : loads) {
    const double moved = w + (g * b > C ? g * b : 0);
    T += times * (std::max(g * f, kFlopsPerByte * moved) + kStart);
  }
  return T / g;
}

/// Sizes of equal groups, rising to all samples. A smaller last group takes a plan of its own, so only where
/// there are no equal ones.
std::vector<int64_t> group_sizes(int64_t samples, int64_t least) {
  std::vector<int64_t> equal, any;
  for (int64_t g = std::min(std::max<int64_t>(least, 1), samples); g < samples; ++g) {
    if (samples % g == 0) equal.push_back(g);
    any.push_back(g);
  }
  std::vector<int64_t>& sizes = equal.empty() ? any : equal;
  sizes.push_back(samples);
  return sizes;
}

}  // namespace

int64_t samples_per_group(const Plan& plan, int64_t samples) {
  const auto C = static_cast<double>(plan.options.cache_bytes);
  if (C <= 0) return samples;
  std::vector<StepLoad> loads;
  for (size_t i = 0; i < plan.program.steps.size(); ++i) {
    if (!plan.is_view[i]) loads.push_back(load_of(plan, plan.program.steps[i], samples));
  }
  const auto cost = [&](int64_t g) { return cost_per_sample(loads, static_cast<double>(g), C); };
  const std::vector<int64_t> sizes = group_sizes(samples, plan.options.least_group);
  const double least = cost(*std::ranges::min_element(sizes, {}, cost));
  return *std::ranges::find_if(sizes, [&](int64_t g) { return cost(g) <= kSlack * least; });
}

}  // namespace onnxray
