#include "api/plan_key.h"

#include <algorithm>

#include "core/fail.h"

namespace onnxray {

bool folds_batchnorm(const MethodSpec& method) {
  using enum Conventions::BatchNorm;
  return method.conventions.batchnorm == fold || method.conventions.batchnorm == fold_or_pass;
}

std::string result_name(const std::string& output) { return "output:" + output; }

std::vector<std::vector<size_t>> group_methods(const std::vector<MethodSpec>& methods) {
  std::vector<std::vector<size_t>> groups;
  for (size_t m = 0; m < methods.size(); ++m) {
    const auto shares = [&](const std::vector<size_t>& group) {
      const MethodSpec& first = methods[group.front()];
      return !needs_loop(first) && !needs_loop(methods[m]) &&
             folds_batchnorm(first) == folds_batchnorm(methods[m]);
    };
    const auto group = std::ranges::find_if(groups, shares);
    if (group == groups.end())
      groups.push_back({m});
    else
      group->push_back(m);
  }
  return groups;
}

PlanKey key_of(const ExplainManyOptions& options, std::vector<MethodSpec> methods,
               const std::vector<TargetSpec>& targets) {
  PlanKey key;
  key.methods = std::move(methods);
  for (const TargetSpec& target : targets) key.targets.push_back(target.form());
  key.output = options.output;
  key.at = options.at;
  key.attribute = options.attribute;
  key.not_attributed = options.not_attributed;
  key.keep_softmax = options.keep_softmax;
  key.report_layers = options.report_layers;
  for (const Tensor& t : options.baselines) key.baselines.push_back(t.shape());
  for (const Tensor& t : options.noise) key.noise.push_back(t.shape());
  return key;
}

PlanKey key_of_run(const std::string& output) {
  PlanKey key;
  key.output = output;
  return key;
}

std::vector<MethodSpec> resolve(const ExplainManyOptions& options) {
  std::vector<MethodSpec> methods = resolve_methods(options.methods, options.parameters, options.convention);
  if (options.input_low.empty() || options.input_high.empty()) return methods;
  for (MethodSpec& method : methods) set_default_bounds(method, {options.input_low, options.input_high});
  return methods;
}

}  // namespace onnxray
