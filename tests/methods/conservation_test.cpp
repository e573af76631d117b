#include <functional>

#include "tests/catch.h"
#include "tests/methods/conformance.h"

// Op by op: what arrives at an operator goes to its inputs, or into the books as the share of a bias or of a
// stabiliser.

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;
using Make = std::function<ValueId(GraphBuilder&, ValueId)>;

struct Case {
  std::string name;
  Shape shape;
  Make op;
};

Make node(const std::string& op, const Attributes& attributes = {}) {
  return [=](GraphBuilder& g, ValueId x) { return g.node(op, {x}, attributes); };
}

/// A node whose further operands are constants.
Make with(const std::string& op, const std::vector<Shape>& shapes, const Attributes& attributes = {}) {
  return [=](GraphBuilder& g, ValueId x) {
    std::vector<ValueId> inputs{x};
    for (const Shape& shape : shapes)
      inputs.push_back(g.constant(hashed(shape, 40 + static_cast<int64_t>(inputs.size()))));
    return g.node(op, inputs, attributes);
  };
}

/// A node over two projections of x.
Make of_two(const std::string& op, const Attributes& attributes = {}) {
  return [=](GraphBuilder& g, ValueId x) {
    const ValueId a = g.node("MatMul", {x, g.constant(hashed({4, 3}, 51))});
    const ValueId b = g.node("MatMul", {x, g.constant(hashed({4, 3}, 52))});
    return g.node(op, {a, b}, attributes);
  };
}

std::vector<Case> linear_operators() {
  const auto conv = [](const Shape& w, const Attributes& attributes = {}) {
    return with("Conv", {w, {w[0]}}, attributes);
  };
  return {
      {"Conv, 1-D with dilation", {2, 2, 9}, conv({3, 2, 3}, {{"dilations", Ints{2}}, {"pads", Ints{1, 2}}})},
      {"Conv, 2-D with groups and stride",
       {2, 4, 6, 5},
       conv({6, 2, 3, 3}, {{"group", int64_t{2}}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 1, 2}}})},
      {"Conv, 3-D", {1, 2, 3, 4, 3}, conv({2, 2, 2, 2, 2})},
      {"ConvTranspose",
       {1, 2, 3, 3},
       with("ConvTranspose", {{2, 3, 3, 3}, {3}}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 1}}})},
      {"Gemm", {2, 4}, with("Gemm", {{3, 4}, {3}}, {{"transB", int64_t{1}}, {"alpha", 2.F}, {"beta", .5F}})},
      {"MatMul of rank 3", {2, 3, 4}, with("MatMul", {{4, 5}})},
      {"MatMul and Add of rank 3",
       {2, 3, 4},
       [](GraphBuilder& g, ValueId x) {
         return g.node("Add", {with("MatMul", {{4, 5}})(g, x), g.constant(hashed({5}, 44))});
       }},
      {"MatMul with the weight first", {1, 3, 2}, [](GraphBuilder& g, ValueId x) {
         return g.node("MatMul", {g.constant(hashed({4, 3}, 45)), x});
       }}};
}

std::vector<Case> other_operators() {
  const Ints pads{1, 0, 1, 0};
  std::vector<Case> cases = {
      {"AveragePool", {1, 2, 5, 4}, node("AveragePool", {{"kernel_shape", Ints{2, 2}}})},
      {"AveragePool with padding",
       {1, 2, 5, 4},
       node("AveragePool",
            {{"kernel_shape", Ints{3, 2}}, {"pads", pads}, {"count_include_pad", int64_t{1}}})},
      {"MaxPool", {1, 2, 5, 4}, node("MaxPool", {{"kernel_shape", Ints{3, 2}}, {"pads", pads}})},
      {"GlobalAveragePool", {1, 2, 5, 4}, node("GlobalAveragePool")},
      {"ReduceMean", {2, 3, 4}, node("ReduceMean", {{"axes", Ints{1}}})},
      {"ReduceSum",
       {2, 3, 4},
       [](GraphBuilder& g, ValueId x) {
         return g.node("ReduceSum", {x, g.ints({1})});
       }},
      {"Add of two", {2, 3, 4}, of_two("Add")},
      {"Sub of two", {2, 3, 4}, of_two("Sub")},
      {"Sum of two", {2, 3, 4}, of_two("Sum")},
      {"Mean of two", {2, 3, 4}, of_two("Mean")},
      {"Mul of two", {2, 3, 4}, of_two("Mul")},
      {"Concat", {2, 3, 4}, of_two("Concat", {{"axis", int64_t{1}}})},
      {"Mul by a constant", {2, 3, 4}, with("Mul", {{4}})},
      {"Div by a constant", {2, 3, 4}, with("Div", {{4}})},
      {"Add of a constant", {2, 3, 4}, with("Add", {{4}})},
      {"Mul by a gate",
       {2, 3, 4},
       [](GraphBuilder& g, ValueId x) {
         return g.node("Mul", {x, g.node("Sigmoid", {x})});
       }},
      {"BatchNormalization",
       {2, 3, 4},
       [](GraphBuilder& g, ValueId x) {
         return g.node("BatchNormalization",
                       {g.relu(x), g.constant({3}, {1.5, -.5, 2}), g.constant({3}, {.1, .2, -.3}),
                        g.constant({3}, {.3, -.1, .2}), g.constant({3}, {.5, 2, 1.3})});
       }},
      {"LayerNormalization", {2, 3, 4}, with("LayerNormalization", {{4}, {4}})},
      {"InstanceNormalization", {2, 3, 4}, with("InstanceNormalization", {{3}, {3}})},
      {"LpNormalization", {2, 3, 4}, node("LpNormalization")},
      {"LRN", {2, 3, 4}, node("LRN", {{"size", int64_t{3}}})},
      {"Flatten", {2, 3, 4}, node("Flatten")},
      {"Transpose", {2, 3, 4}, node("Transpose", {{"perm", Ints{0, 2, 1}}})},
      {"a square Transpose", {1, 3, 3}, node("Transpose", {{"perm", Ints{0, 2, 1}}})},
      {"a MaxPool that keeps the shape",
       {1, 2, 5, 4},
       node("MaxPool", {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}})}};
  for (const char* activation :
       {"Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "HardSwish", "Mish", "Abs"})
    cases.push_back({activation, {2, 3, 4}, node(activation)});
  return cases;
}

/// x, the operator, and a dense layer with a bias.
Net net_of(const Case& c) {
  GraphBuilder g;
  const ValueId x = g.input("x", c.shape), y = g.flatten(c.op(g, x));
  const Shape out = *g.build({y})[g.build({y}).outputs[0]].shape;
  return {g.build({g.dense(y, g.constant(hashed({out[1], 3}, 61)), g.constant(hashed({3}, 62, .3)))}),
          hashed(c.shape, 60, 2)};
}

/// Whether what starts at the target is what arrives at the input and what the books of all nodes hold.
void check_books(const Case& c, const std::string& method, const std::string& convention) {
  INFO(c.name << ", " << method << ", " << convention);
  const Net net = net_of(c);
  ExplainSpec spec;
  spec.methods = resolve_methods({method}, {}, convention);
  spec.targets = {TargetSpec::Kind::index};
  spec.report_layers = true;
  const int64_t samples = c.shape[0];
  const Tensor target = Tensor::of<int64_t>({samples}, Ints(static_cast<size_t>(samples), 1));
  const Results results = run(emit_explanation(net.graph, OpRegistry::builtin(), spec), {net.x, target});
  double lost = 0, size = 0, starts = 0;
  for (const auto& [name, value] : results) {
    if (!name.ends_with(".bias:0:0") && !name.ends_with(".stabiliser:0:0")) continue;
    lost += value.as_double(0);
    size += std::fabs(value.as_double(0));
  }
  for (int64_t n = std::ssize(net.graph.nodes) - 1; n >= 0; --n) {
    const auto last = results.find("layer." + std::to_string(n) + ":0:0");
    if (last == results.end()) continue;
    starts = last->second.as_double(0);
    break;
  }
  const Tensor& map = results.at("attribution:0:0:0");
  for (int64_t i = 0; i < map.size(); ++i) size += std::fabs(map.as_double(i));
  CHECK(std::fabs(starts) > 1e-3);
  // Sums in double of terms of either sign.
  CHECK(std::fabs(starts - sum(map) - lost) < 1e-10 * size);
}

TEST_CASE("every operator conserves relevance, but for what its bias and its stabiliser take") {
  for (const auto& cases : {linear_operators(), other_operators()}) {
    for (const Case& c : cases) {
      for (const std::string convention : {"signxai", "zennit", "innvestigate"}) {
        for (const std::string method : {"lrp_z", "lrp_epsilon_0_1", "lrp_epsilon_0_25_std_x"})
          check_books(c, method, convention);
      }
    }
  }
}

TEST_CASE("linear operators conserve relevance under every rule, but for what bias and stabiliser take") {
  for (const Case& c : linear_operators()) {
    for (const std::string convention : {"signxai", "zennit", "innvestigate"}) {
      for (const std::string method :
           {"lrp_alpha_1_beta_0", "lrp_alpha_2_beta_1", "lrp_gamma", "lrp_z_plus",
            "lrp_z_plus:zplus_bias=include", "lrp_z_plus_fast", "lrp_w_square",
            "lrp_w_square:wsquare_bias=include", "lrp_flat", "zblrp_z:low=-3,high=3"})
        check_books(c, method, convention);
    }
  }
}

}  // namespace
}  // namespace onnxray::test
