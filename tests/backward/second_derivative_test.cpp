#include <algorithm>

#include "backward/vjp.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

/// Differentiates every step of a program once more: d <weights, v> / d wrt.
Var differentiate(Builder& b, Var v, Var weights, Var wrt) {
  const std::vector<Step> steps = b.program().steps;
  std::vector<bool> depends(b.program().variables.size(), false);
  depends[static_cast<size_t>(wrt.id)] = true;
  for (const Step& step : steps) {
    if (std::ranges::none_of(step.inputs, [&](Var x) { return depends[static_cast<size_t>(x.id)]; }))
      continue;
    for (const Var y : step.outputs) depends[static_cast<size_t>(y.id)] = is_floating(b.dtype(y));
  }
  std::map<int32_t, Var> cotangents{{v.id, weights}};
  const auto send = [&](Var x, Var share) {
    const auto [it, is_first] = cotangents.try_emplace(x.id, share);
    if (!is_first) it->second = b.add(it->second, share);
  };
  for (size_t i = steps.size(); i-- > 0;) {
    std::vector<Var> arrived;
    for (const Var y : steps[i].outputs)
      arrived.push_back(cotangents.contains(y.id) ? cotangents[y.id] : Var{});
    emit_vjp({b, steps[i], arrived,
              [&](Var x) { return static_cast<bool>(depends[static_cast<size_t>(x.id)]); }, send});
  }
  return cotangents.at(wrt.id);
}

Var output(const Program& program, const std::string& name) {
  return std::ranges::find(program.outputs, name, &NamedVar::name)->var;
}

/// max |d <c, gradient> / dx - central difference| / largest.
double second_derivative_error(const Graph& graph, const Tensor& x) {
  ExplainSpec spec = explain_spec("gradient");
  spec.keep_softmax = true;
  const Program first = emit_explanation(graph, OpRegistry::builtin(), spec);
  const Tensor weights = hashed(x.shape(), 77), index = Tensor::of<int64_t>({1}, {1});
  Program second = first;
  Builder b(second);
  b.output("second",
           differentiate(b, output(second, "attribution:0:0:0"), b.constant(weights), second.inputs[0].var));
  const Tensor derivative = run(second, {x, index}).at("second");

  constexpr double h = 1e-5;  // truncation O(h^2), rounding O(1e-16 / h)
  std::vector<double> numeric;
  for (int64_t i = 0; i < x.size(); ++i) {
    const auto along = [&](double step) {
      Tensor moved = x;
      moved.mutable_data<double>()[static_cast<size_t>(i)] += step;
      return sum(zip(run(first, {moved, index}).at("attribution:0:0:0"), weights, std::multiplies<>()));
    };
    numeric.push_back((along(h) - along(-h)) / (2 * h));
  }
  return difference(derivative, numeric);
}

TEST_CASE("the second derivative of a convolutional net equals differences of its gradient") {
  using Ints = std::vector<int64_t>;
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 5, 5});
  const ValueId a =
      g.node("Tanh", {g.conv(x, g.constant(hashed({3, 2, 3, 3}, 1)), g.constant(hashed({3}, 2)))});
  const ValueId pooled = GENERATE(false, true) ? g.node("MaxPool", {a}, {{"kernel_shape", Ints{2, 2}}})
                                               : g.node("AveragePool", {a}, {{"kernel_shape", Ints{2, 2}}});
  const ValueId b = g.conv(pooled, g.constant(hashed({2, 3, 2, 2}, 3)), g.constant(hashed({2}, 4)), 0);
  const ValueId out = g.softmax(
      g.dense(g.flatten(g.node("Sigmoid", {b})), g.constant(hashed({18, 3}, 5)), g.constant(hashed({3}, 6))));
  // A wrong adjoint shows in the first digits; the difference quotient is good to about nine.
  CHECK(second_derivative_error(g.build({out}), hashed({1, 2, 5, 5}, 7)) < 1e-6);
}

TEST_CASE("the second derivative of a transformer-like block equals differences of its gradient") {
  GraphBuilder g;
  const Shape tokens{1, 3, 4};
  const ValueId x = g.input("x", tokens);
  const auto project = [&](int64_t seed) { return g.node("MatMul", {x, g.constant(hashed({4, 4}, seed))}); };
  const ValueId keys = g.node("Transpose", {project(2)}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  const ValueId mixed = g.node("MatMul", {g.softmax(g.node("MatMul", {project(1), keys})), project(3)});
  const ValueId normed =
      g.node("LayerNormalization",
             {g.node("Add", {x, mixed}), g.constant({4}, {1, .5, 2, 1}), g.constant({4}, {0, 1, 0, -1})});
  const ValueId out = g.node("ReduceMean", {g.node("Erf", {normed})},
                             {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{0}}});
  CHECK(second_derivative_error(g.build({g.softmax(out)}), hashed(tokens, 7)) < 1e-6);  // as above
}

}  // namespace
}  // namespace onnxray::test
