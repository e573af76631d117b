#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backends/reference/reference.h"
#include "core/difference.h"
#include "core/growth_budget.h"
#include "onnx/infer.h"
#include "onnx/passes/pass.h"
#include "ops/lower_graph.h"
#include "tests/catch.h"

namespace onnxray {

/// A graph written by hand. Every node's origin is the name of its output.
class GraphMaker {
 public:
  ValueId input(const std::string& name, Shape shape, DType dtype = DType::f32) {
    const ValueId id = graph.add_value(name);
    graph[id].shape = std::move(shape);
    graph[id].dtype = dtype;
    graph.inputs.push_back({.value = id, .extents = {}, .has_shape = false});
    return id;
  }
  ValueId constant(Shape shape, const std::vector<double>& values, DType dtype = DType::f32) {
    return graph.add_constant("c" + std::to_string(graph.values.size()),
                              Tensor::of<double>(std::move(shape), values).to(dtype));
  }
  ValueId scalar(double value) { return constant({}, {value}); }
  ValueId ints(const std::vector<int64_t>& values) {
    return graph.add_constant("i" + std::to_string(graph.values.size()),
                              Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  /// Normally distributed numbers from a fixed seed.
  ValueId weights(const Shape& shape) {
    std::normal_distribution<double> normal;
    std::vector<double> values(static_cast<size_t>(element_count(shape)));
    for (double& v : values) v = normal(random_);
    return constant(shape, values);
  }
  ValueId node(const std::string& op, int64_t opset, std::vector<ValueId> inputs,
               Attributes attributes = {}) {
    const std::string name = op + std::to_string(graph.nodes.size());
    const ValueId id = graph.add_value(name);
    graph.nodes.push_back({.op = op,
                           .opset = opset,
                           .domain = {},
                           .attributes = std::move(attributes),
                           .inputs = std::move(inputs),
                           .outputs = {id},
                           .origin = {{name}, {"scope_" + name}}});
    return id;
  }
  /// The graph with these outputs and the shapes of all values.
  Graph finish(std::vector<ValueId> outputs) {
    graph.outputs = std::move(outputs);
    infer(graph);
    return graph;
  }
  static void infer(Graph& graph) {
    const auto folder = make_reference_backend(true);
    GrowthBudget budget(GrowthBudget::of_file(0));
    infer_values(graph, OpRegistry::builtin(), *folder, budget);
  }

  Graph graph;

 private:
  std::mt19937 random_{1};
};

/// What one pass, run until it changes nothing, makes of a graph.
inline Graph after(bool (*pass)(Graph&, const PassOptions&), Graph graph, const PassOptions& options = {}) {
  for (int round = 0; round < 10 && pass(graph, options); ++round) GraphMaker::infer(graph);
  CHECK_FALSE(pass(graph, options));
  return graph;
}

/// The outputs for these inputs.
inline std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs,
                                     bool double_precision = true) {
  const auto backend = make_reference_backend(double_precision);
  Program program;
  Builder builder(program);
  std::vector<Var> vars;
  for (const InputInfo& input : graph.inputs) {
    const Value& value = graph[input.value];
    vars.push_back(builder.input(value.name, *value.shape, *value.dtype));
  }
  const Forward forward = lower_graph(graph, OpRegistry::builtin(), builder, vars);
  for (const ValueId id : graph.outputs)
    builder.output(graph[id].name, forward.vars[static_cast<size_t>(id)]);
  return backend->compile(make_plan(program, backend->plan_options()))->run(inputs);
}

/// The outputs for inputs drawn from a fixed seed.
inline std::vector<Tensor> run_graph(const Graph& graph) {
  std::vector<Tensor> inputs;
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  for (const InputInfo& input : graph.inputs) {
    Tensor t(DType::f64, *graph[input.value].shape);
    for (double& v : t.mutable_data<double>()) v = 2 * normal(random);
    inputs.push_back(std::move(t));
  }
  return run_graph(graph, inputs);
}

/// Both graphs give the same outputs under the same names. The tolerance covers constants that exporters
/// round to float: 1e-6 relative.
inline void check_equal_results(const Graph& before, const Graph& changed, double tolerance = 1e-6) {
  REQUIRE(before.outputs.size() == changed.outputs.size());
  const auto expected = run_graph(before), actual = run_graph(changed);
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(before[before.outputs[i]].name == changed[changed.outputs[i]].name);
    REQUIRE(expected[i].shape() == actual[i].shape());
    CHECK(relative_difference(actual[i], expected[i]) <= tolerance);
  }
}

/// "Conv Relu": the operators in order.
inline std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += (text.empty() ? "" : " ") + node.op;
  return text;
}

/// Whether some node answers to this name.
inline bool resolves(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    for (const std::string& own : node.origin.names) {
      if (own == name) return true;
    }
  }
  return false;
}

}  // namespace onnxray
