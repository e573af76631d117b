#pragma once

#include <map>

#include "api/onnxray.h"
#include "core/graph.h"
#include "methods/explain.h"

namespace onnxray {

/// What one program was made for.
struct PlanKey {
  std::vector<Shape> shapes;
  std::map<ValueId, std::vector<double>> bound;
  std::vector<MethodSpec> methods;
  std::vector<TargetForm> targets;
  std::string output, at;
  std::vector<std::string> attribute, not_attributed;
  bool keep_softmax = false;
  std::vector<Shape> baselines, noise;
  bool report_layers = false;
  bool operator==(const PlanKey&) const = default;
};

bool folds_batchnorm(const MethodSpec& method);
/// The key of one of the model's own outputs among results: a model may call it "logits" too.
std::string result_name(const std::string& output);
/// Which methods share a program: those that see the same graph and need no loop of their own.
std::vector<std::vector<size_t>> group_methods(const std::vector<MethodSpec>& methods);
PlanKey key_of(const ExplainManyOptions& options, std::vector<MethodSpec> methods,
               const std::vector<TargetSpec>& targets);
/// Without methods: the model's outputs, or `output` alone where it is named.
PlanKey key_of_run(const std::string& output);
/// The methods with their parameters, and the bounds that the input declares.
std::vector<MethodSpec> resolve(const ExplainManyOptions& options);

}  // namespace onnxray
