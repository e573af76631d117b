#include "tests/catch.h"
#include "tests/methods/conformance.h"

// Defects of other implementations (docs/conventions.md) that no test of a method rules out by the way.

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;

TEST_CASE("without a target all parts of a rule explain the one class that has the largest logit") {
  for (const auto& [name, net] : homogeneous_nets()) {
    const Results chosen = explain_results(net.graph, "gradient", {net.x}, {});
    const int64_t index = chosen.at("index:0").to_int64s()[0];
    for (const char* method :
         {"lrp_alpha_2_beta_1", "lrp_alpha_2_beta_1:alphabeta_bias=both,exact_splits=true",
          "lrp_gamma:exact_splits=true", "zblrp_z:low=-2,high=2", "lrp_sequential_composite_b",
          "smoothgrad_samples_3"}) {
      INFO(name << ", " << method);
      CHECK(explain_results(net.graph, method, {net.x}, {}).at("attribution:0:0:0").to_doubles() ==
            explain(net.graph, method, net.x, index).to_doubles());
    }
  }
}

TEST_CASE("noisy samples and steps leave the caller's input as it was") {
  const Net net = conv_net();
  const std::vector<double> before = net.x.to_doubles();
  for (const char* method :
       {"smoothgrad_samples_3", "vargrad_samples_3", "integrated_gradients_steps_3", "occlusion"})
    explain(net.graph, method, net.x, 1);
  CHECK(net.x.to_doubles() == before);
}

TEST_CASE("alpha and beta as parameters are those of the name") {
  const Net net = conv_net();
  CHECK(explain(net.graph, "lrp:rule=alphabeta,alpha=3,beta=2", net.x, 1).to_doubles() ==
        explain(net.graph, "lrp_alpha_3_beta_2", net.x, 1).to_doubles());
}

TEST_CASE("an operator that keeps the shape is not taken for an identity") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 3, 3});
  const ValueId turned =
      g.node("Transpose", {g.conv(x, g.constant(hashed({2, 2, 3, 3}, 1)), g.constant(hashed({2}, 2)))},
             {{"perm", Ints{0, 1, 3, 2}}});
  const ValueId pooled =
      g.node("MaxPool", {g.relu(turned)}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
  const Net net{
      g.build({g.dense(g.flatten(pooled), g.constant(hashed({18, 3}, 3)), g.constant(hashed({3}, 4)))}),
      hashed({1, 2, 3, 3}, 5)};
  const Tensor gradient = explain(net.graph, "gradient", net.x, 1);
  // Sums in double, in another order.
  CHECK(difference(explain(net.graph, "lrp_z", net.x, 1), zip(net.x, gradient, std::multiplies<>())) < 1e-10);
}

TEST_CASE("a map of an oblong image is stretched to its own height and width") {
  // A = (0, 1, 0) along a width of 3, the same on both rows: 0, 1/4, 3/4, 3/4, 1/4, 0 on six columns.
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 1, 2, 6});
  const ValueId a = g.node("Conv", {x, g.constant({1, 1, 1, 1}, {1})},
                           {{"kernel_shape", Ints{1, 1}}, {"strides", Ints{1, 2}}});
  const Graph graph = g.build({g.node("ReduceSum", {g.relu(a), g.ints({2, 3})})});
  const Tensor input = Tensor::of<double>({1, 1, 2, 6}, {0, 9, 1, 9, 0, 9, 0, 9, 1, 9, 0, 9});
  const Tensor map = explain(graph, "grad_cam", input, 0);
  CHECK(map.shape() == Shape{1, 1, 2, 6});
  CHECK(difference(map, {0, .25, .75, .75, .25, 0, 0, .25, .75, .75, .25, 0}) < 1e-15);
}

}  // namespace
}  // namespace onnxray::test
