#include <cmath>

#include "tests/catch.h"
#include "tests/methods/conformance.h"

// Conformance cases of the literature that are identities or numbers small enough to read.

namespace onnxray::test {
namespace {

constexpr double kGolden = 1e-5;     // published numbers have at least six digits
constexpr double kRounding = 1e-12;  // both sides round the same sums in double

Tensor of_d(const std::string& method, int64_t target = 1) {
  const Net d = model_d();
  return explain(d.graph, method, d.x, target);
}

TEST_CASE("alpha-beta on model D gives the published relevance") {
  CHECK(difference(of_d("lrp_alpha_1_beta_0", 1), {.64583331, 0, 2.58333325}) < kGolden);
  CHECK(difference(of_d("lrp_alpha_1_beta_0", 0), {-.90476185, 0, 0}) < kGolden);
  CHECK(difference(of_d("lrp_alpha_2_beta_1:alphabeta_bias=both", 1), {0, 0, 14.208333}) < kGolden);
}

TEST_CASE("the bias of alpha-beta goes to both halves or is split between them") {
  // w = (1, -1), b = -1, x = (1, 1): the positive half is 1, and 0 with the full bias.
  GraphBuilder g;
  const Graph graph =
      g.build({g.dense(g.input("x", {1, 2}), g.constant({2, 1}, {1, -1}), g.constant({1}, {-1}))});
  const Tensor x = Tensor::of<double>({1, 2}, {1, 1});
  const auto map = [&](const std::string& method) { return explain(graph, method, x, 0); };
  CHECK(difference(map("lrp_alpha_1_beta_0:alphabeta_bias=both"), {-1e7, 0}) < kGolden);
  CHECK(difference(map("lrp_alpha_2_beta_1:alphabeta_bias=both"), {-2e7, .5}) < kGolden);
  CHECK(difference(map("lrp_alpha_1_beta_0:alphabeta_bias=split"), {-1, 0}) < kGolden);
  CHECK(difference(map("lrp_alpha_2_beta_1:alphabeta_bias=split"), {-2, .5}) < kGolden);
  // auto: full where beta is 0, split elsewhere
  CHECK(difference(map("lrp_alpha_1_beta_0"), {-1e7, 0}) < kGolden);
  CHECK(difference(map("lrp_alpha_2_beta_1"), {-2, .5}) < kGolden);
}

TEST_CASE("composites on a net of dense layers are epsilon 0.1") {
  for (const char* method : {"lrp_sequential_composite_a", "lrp_sequential_composite_b"}) {
    CHECK(of_d(method).to_doubles() == of_d("lrp_epsilon_0_1").to_doubles());
  }
}

TEST_CASE("input-layer rules on model D give the published relevance") {
  CHECK(difference(of_d("w2lrp_z"), {-.03650795, 2.74920607, .68730152}) < kGolden);
  CHECK(difference(of_d("flatlrp_z"), {1.1333333, 1.1333333, 1.1333333}) < kGolden);
  // What arrives at the first layer is 3.4, which the box rule conserves.
  CHECK(difference(of_d("lrp_z:input_layer_rule=Bounded,low=-3,high=3"), {1. / 3, 1.6, 1.4666667}) < kGolden);
  CHECK(difference(of_d("zblrp_z:low=-3,high=3"), {1. / 3, 1.6, 1.4666667}) < kGolden);
}

TEST_CASE("rules that ignore the bias share out the logit") {
  for (const char* method : {"lrp_flat", "lrp_w_square", "lrp_z_plus"}) {
    INFO(method);
    CHECK(sum(of_d(method)) == Approx(3.1).epsilon(1e-7));
    const Net c = model_c();
    CHECK(sum(explain(c.graph, method, c.x, 1)) == Approx(.554534).epsilon(1e-5));
  }
}

TEST_CASE("any rule with z at the input is |x| times the same with sign at the input") {
  const Net c = model_c();
  for (const std::string rule : {"epsilon_0_1", "epsilon_0_25_std_x", "alpha_1_beta_0", "gamma", "w_square",
                                 "sequential_composite_b"}) {
    INFO(rule);
    const Tensor z = explain(c.graph, "lrpz_" + rule, c.x, 1),
                 sign = explain(c.graph, "lrpsign_" + rule, c.x, 1);
    CHECK(difference(zip(sign, c.x, [](double s, double x) { return s * std::fabs(x); }), z) < kRounding);
  }
}

TEST_CASE("lrp_z is x times the gradient through convolutions, pools, sums and concats") {
  for (const auto& [name, net] : homogeneous_nets()) {
    INFO(name);
    CHECK(difference(explain(net.graph, "lrp_z", net.x, 1),
                     explain(net.graph, "gradient_x_input", net.x, 1)) < 1e-9);
    CHECK(difference(explain(net.graph, "lrpsign_z", net.x, 1),
                     explain(net.graph, "gradient_x_sign", net.x, 1)) < 1e-9);
  }
}

/// Dense - Relu - BatchNormalization - Relu: the first Relu keeps dense layer and normalisation apart under
/// any pass.
Graph normalised_net(int64_t batch) {
  GraphBuilder g;
  const ValueId x = g.input("x", {batch, 3});
  const ValueId a = g.dense(x, g.constant(hashed({3, 4}, 31)), g.constant(hashed({4}, 32)));
  const ValueId y = g.node("BatchNormalization",
                           {g.relu(a), g.constant({4}, {1.5, -.5, 2, 1}), g.constant({4}, {.1, .2, -.3, .4}),
                            g.constant({4}, {.3, -.1, .2, 0}), g.constant({4}, {.5, 2, 1.3, 1})});
  return g.build({g.relu(y)});
}

TEST_CASE("affine_z shares relevance through a normalisation as the z rule of its affine map") {
  const Tensor x = hashed({1, 3}, 33, 2);
  for (int64_t target = 0; target < 4; ++target) {
    const Tensor z = explain(normalised_net(1), "lrp_z", x, target);
    // x (y - beta) R / ((x - mean) y) = x scale R / (y sd): equal up to the stabiliser of 1e-7.
    CHECK(difference(explain(normalised_net(1), "lrp_z:batchnorm=affine_z", x, target), z) < 1e-5);
    CHECK(difference(explain(normalised_net(1), "lrp_z:batchnorm=fused", x, target), z) < kRounding);
  }
}

TEST_CASE("affine_z in a batch treats each sample alone") {
  const Tensor batch = hashed({3, 3}, 34, 2);
  const Tensor together = explain(normalised_net(3), "lrp_epsilon_0_1:batchnorm=affine_z", batch, 2);
  for (int64_t i = 0; i < 3; ++i) {
    CHECK(sample(together, i).to_doubles() ==
          explain(normalised_net(1), "lrp_epsilon_0_1:batchnorm=affine_z", sample(batch, i), 2).to_doubles());
  }
}

TEST_CASE("a residual block without bias conserves relevance") {
  const Net net = residual_net({.bias = false});
  const Results results = explain_results(net.graph, "lrp_z", {net.x}, target_index({1}));
  CHECK(sum(results.at("attribution:0:0:0")) == Approx(results.at("score:0").as_double(0)).epsilon(1e-9));
  // Zennit's Norm differs by its stabiliser only.
  CHECK(difference(explain(net.graph, "lrp_z:add=norm,avgpool=norm", net.x, 1),
                   results.at("attribution:0:0:0")) < 1e-3);
}

TEST_CASE("deep taylor is the epsilon proxy, or z+ of a positive logit") {
  CHECK(of_d("deep_taylor").to_doubles() == of_d("lrp:rule=epsilon,epsilon=1e-6").to_doubles());
  CHECK(of_d("deep_taylor:deep_taylor=zplus").to_doubles() == of_d("lrp_z_plus").to_doubles());
  CHECK(of_d("deep_taylor:deep_taylor=zplus", 0).to_doubles() == std::vector<double>{0, 0, 0});
  CHECK(sum(of_d("deep_taylor_bounded:deep_taylor=zplus,low=-3,high=3")) == Approx(3.1));
}

}  // namespace
}  // namespace onnxray::test
