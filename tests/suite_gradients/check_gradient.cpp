#include "tests/suite_gradients/check_gradient.h"

#include <algorithm>
#include <cmath>

#include "backends/reference/reference.h"
#include "backward/reverse.h"
#include "core/difference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"

namespace onnxray {

namespace {

bool is_variable(const GradientCase& test, size_t i) {
  return test.inputs[i].dtype() == DType::f64 && std::ranges::find(test.constants, i) == test.constants.end();
}

Graph one_node_graph(const GradientCase& test) {
  Graph graph;
  Node node{.op = test.op,
            .opset = test.opset,
            .domain = "",
            .attributes = test.attributes,
            .inputs = {},
            .outputs = {},
            .origin = {{test.name}, {}}};
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    if (!is_variable(test, i)) {
      node.inputs.push_back(graph.add_constant(name, test.inputs[i]));
      continue;
    }
    const ValueId id = graph.add_value(name);
    graph[id].dtype = DType::f64;
    graph[id].shape = test.inputs[i].shape();
    graph.inputs.push_back({id, {}, false});
    node.inputs.push_back(id);
  }
  for (size_t i = 0; i < test.outputs; ++i) {
    node.outputs.push_back(graph.add_value("y" + std::to_string(i)));
    graph.outputs.push_back(node.outputs.back());
  }
  graph.nodes.push_back(std::move(node));
  return graph;
}

struct Compiled {
  std::unique_ptr<Executable> executable;
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) { return executable->run(inputs); }
};

/// loss = sum over outputs of <c, y>; with `gradients`, d loss / d input for every variable.
Compiled compile(const Graph& graph, bool gradients) {
  Program program;
  Builder b(program);
  std::vector<Var> inputs;
  for (const InputInfo& input : graph.inputs)
    inputs.push_back(b.input(graph[input.value].name, *graph[input.value].shape, DType::f64));
  const Forward forward = lower_graph(graph, OpRegistry::builtin(), b, inputs);
  ReverseWalk walk(graph, forward, b, {});
  Var loss = b.scalar(0, DType::f64);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Var y = forward.vars[static_cast<size_t>(graph.outputs[i])];
    if (!is_floating(b.dtype(y))) continue;
    const Var c = b.constant(wavy(b.shape(y), 100 + static_cast<int>(i)));
    const Var weighted = b.mul(y, c);
    loss = b.add(loss, b.rank(weighted) == 0 ? weighted : b.sum(weighted, {}, false));
    walk.seed(y, c);
  }
  if (!gradients) b.output("loss", loss);
  if (gradients) {
    const std::vector<Var> shares = walk.run(inputs);
    for (size_t i = 0; i < shares.size(); ++i) {
      b.output("g" + std::to_string(i), shares[i] ? shares[i] : b.filled(0, b.shape(inputs[i]), DType::f64));
    }
  }
  const auto backend = make_reference_backend(true);
  optimise(program, *backend);
  return {backend->compile(make_plan(std::move(program), backend->plan_options()))};
}

}  // namespace

double gradient_error(const GradientCase& test) {
  const Graph graph = one_node_graph(test);
  std::vector<Tensor> x;
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    if (is_variable(test, i)) x.push_back(test.inputs[i]);
  }
  const std::vector<Tensor> gradients = compile(graph, true).run(x);
  Compiled loss = compile(graph, false);
  constexpr double h =
      1e-5;  // the truncation error of a central difference is O(h^2), its rounding error O(1e-16 / h)
  std::vector<double> found, expected;
  for (size_t i = 0; i < x.size(); ++i) {
    for (int64_t j = 0; j < x[i].size(); ++j) {
      const auto at = static_cast<size_t>(j);
      const double value = x[i].data<double>()[at];
      x[i].mutable_data<double>()[at] = value + h;
      const double up = loss.run(x)[0].as_double(0);
      x[i].mutable_data<double>()[at] = value - h;
      const double down = loss.run(x)[0].as_double(0);
      x[i].mutable_data<double>()[at] = value;
      expected.push_back((up - down) / (2 * h));
      found.push_back(gradients[i].as_double(j));
    }
  }
  const Shape all{std::ssize(expected)};
  return relative_difference(Tensor::of<double>(all, found), Tensor::of<double>(all, expected));
}

namespace {

std::set<std::string>& checked() {
  static std::set<std::string> names;
  return names;
}

}  // namespace

const std::set<std::string>& checked_operators() { return checked(); }

void check(const std::vector<GradientCase>& cases) {
  for (const GradientCase& test : cases) {
    checked().insert(test.op);
    DYNAMIC_SECTION(test.op << " " << test.name) { CHECK(gradient_error(test) < kTolerance); }
  }
}

}  // namespace onnxray
