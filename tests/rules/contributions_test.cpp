#include <cmath>

#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

// Rules that part contributions by sign: identities between them, on inputs of both signs and behind a Relu.

namespace onnxray::test {
namespace {

constexpr double kRounding = 1e-11;  // both sides sum the same terms in double, in another order

Tensor map(const Net& net, const std::string& method, int64_t target = 1) {
  return explain(net.graph, method, net.x, target);
}

TEST_CASE("the two-form identity gives what the literal terms give") {
  for (const auto& [name, net] : nets_of_linear_operators()) {
    for (const std::string rule :
         {"lrp_alpha_1_beta_0:", "lrp_alpha_2_beta_1:", "lrp_alpha_2_beta_1:alphabeta_bias=ignore,",
          "lrp_z_plus:", "lrp_z_plus:zplus_bias=include,",
          "lrp_gamma:", "lrp_gamma_2:", "zblrp_z:low=-2,high=1.5,"}) {
      INFO(name << ", " << rule);
      for (const int64_t target : {0, 2}) {
        if (name == "model D" && target == 2) continue;
        CHECK(difference(map(net, rule + "exact_splits=false", target),
                         map(net, rule + "exact_splits=true", target)) < kRounding);
      }
    }
  }
}

TEST_CASE("alpha 1, beta 0 without bias is z+") {
  for (const auto& [name, net] : nets_of_linear_operators()) {
    INFO(name);
    CHECK(difference(map(net, "lrp_alpha_1_beta_0:alphabeta_bias=ignore"), map(net, "lrp_z_plus")) <
          kRounding);
  }
}

TEST_CASE("gamma 0 is the z rule, and a large gamma is z+ with its bias") {
  for (const auto& [name, net] : nets_of_linear_operators()) {
    INFO(name);
    CHECK(difference(map(net, "lrp_gamma_0"), map(net, "lrp_z")) < 1e-9);
  }
  // One layer and a positive output: the limit is reached as 1 / gamma.
  GraphBuilder g;
  const Graph graph =
      g.build({g.dense(g.input("x", {1, 4}), g.constant({4, 1}, {1, -2, 3, .5}), g.constant({1}, {.25}))});
  const Net net{graph, Tensor::of<double>({1, 4}, {2, -1, .5, -1})};
  CHECK(difference(map(net, "lrp_gamma_100000000", 0), map(net, "lrp_z_plus:zplus_bias=include", 0)) < 1e-7);
}

TEST_CASE("without biases relevance sums to the logit") {
  const auto check = [](const std::string& name, const Net& net, const std::string& rule) {
    INFO(name << ", " << rule);
    const Results results = explain_results(net.graph, rule, {net.x}, target_index({2}));
    CHECK(sum(results.at("attribution:0:0:0")) == Approx(results.at("score:0").as_double(0)).epsilon(1e-6));
  };
  for (const auto& [name, net] : homogeneous_nets({.bias = false})) {
    for (const char* rule : {"lrp_z", "lrp_gamma", "lrp_gamma_3"}) check(name, net, rule);
  }
  // These reach units without contributions of the wanted sign, or pools of zeros, where relevance ends; not
  // in this net.
  for (const char* rule :
       {"lrp_alpha_1_beta_0", "lrp_z_plus", "lrp_w_square", "lrp_flat", "zblrp_z_plus:low=-1,high=1"}) {
    check("convolutions with max pooling", conv_net({.bias = false}), rule);
  }
}

TEST_CASE("what a split bias takes is exactly what is missing") {
  // sum R_in = R (P alpha / (P + b+) - N beta / (N + b-))
  GraphBuilder g;
  const Graph graph =
      g.build({g.dense(g.input("x", {1, 3}), g.constant({3, 1}, {1, -2, .5}), g.constant({1}, {.75}))});
  const Tensor x = Tensor::of<double>({1, 3}, {2, 1, -3});
  const double P = 2, N = -3.5, z = P + N + .75;
  CHECK(sum(explain(graph, "lrp_alpha_2_beta_1", x, 0)) == Approx(z * (2 * P / (P + .75) - 1)));
  CHECK(sum(explain(graph, "lrp_z", x, 0)) == Approx(z * (z - .75) / z));
}

TEST_CASE("the bias of stacked matrix products is that of a Gemm, under every rule and switch") {
  const auto w = hashed({4, 5}, 12), c = hashed({5}, 13);
  GraphBuilder stacked, rows;
  const ValueId x = stacked.input("x", {2, 3, 4}), y = rows.input("x", {2, 3, 4});
  const ValueId sum_of =
      stacked.node("Add", {stacked.node("MatMul", {x, stacked.constant(w)}), stacked.constant(c)});
  const ValueId gemm =
      rows.dense(rows.node("Reshape", {y, rows.ints({6, 4})}), rows.constant(w), rows.constant(c));
  const Net a{stacked.build({stacked.flatten(sum_of)}), hashed({2, 3, 4}, 14)};
  const Net b{rows.build({rows.node("Reshape", {gemm, rows.ints({2, 15})})}), a.x};
  for (const std::string method :
       {"lrp_z", "lrp_epsilon_0_1", "lrp_gamma", "lrp_z_plus", "lrp_z_plus:zplus_bias=include",
        "lrp_w_square", "lrp_w_square:wsquare_bias=include", "lrp_flat", "lrp_alpha_2_beta_1",
        "lrp_alpha_2_beta_1:alphabeta_bias=both", "lrp_alpha_2_beta_1:alphabeta_bias=ignore", "lrpsign_z",
        "zblrp_z:low=-2,high=2", "gradient"}) {
    INFO(method);
    for (const int64_t target : {0, 7, 13})
      CHECK(difference(map(a, method, target), map(b, method, target)) < kRounding);
  }
  CHECK(difference(map(a, "lrp_z_plus", 7), map(a, "lrp_z_plus:zplus_bias=include", 7)) > 1e-3);
}

TEST_CASE("flat depends on no weight, w^2 on no input") {
  const auto net = [](double scale, int64_t seed) {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 2, 4, 4});
    return g.build(
        {g.flatten(g.conv(x, g.constant(hashed({3, 2, 3, 3}, seed, scale)), g.constant({3}, {0, 0, 0})))});
  };
  const Tensor x = hashed({1, 2, 4, 4}, 3), other = hashed({1, 2, 4, 4}, 4);
  const auto normed = [](const Tensor& t) {
    return zip(t, t, [total = sum(t)](double v, double) { return v / total; });
  };
  CHECK(difference(normed(explain(net(1, 1), "lrp_flat", x, 5)),
                   normed(explain(net(2, 9), "lrp_flat", x, 5))) < kRounding);
  CHECK(difference(normed(explain(net(1, 1), "lrp_w_square", x, 5)),
                   normed(explain(net(1, 1), "lrp_w_square", other, 5))) < kRounding);
}

TEST_CASE("bounds may differ by channel") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 3, 3});
  const Graph graph =
      g.build({g.flatten(g.conv(x, g.constant(hashed({2, 2, 3, 3}, 1)), g.constant(hashed({2}, 2))))});
  const Tensor input = hashed({1, 2, 3, 3}, 5);
  const auto map_of = [&](const std::string& bounds) {
    return explain(graph, "zblrp_z:" + bounds, input, 3);
  };
  CHECK(difference(map_of("low=-1;-1,high=2;2"), map_of("low=-1,high=2")) < kRounding);
  CHECK(difference(map_of("low=-1;-3,high=2;1"), map_of("low=-1,high=2")) > 1e-3);
  CHECK(difference(map_of("low=-1;-3,high=2;1,exact_splits=false"),
                   map_of("low=-1;-3,high=2;1,exact_splits=true")) < kRounding);
  CHECK(says(error_of([&] { map_of("low=-1;-3;0,high=2"); }), ErrorCode::usage, "3 numbers"));
  CHECK(says(error_of([&] { explain(graph, "zblrp_z", input, 3); }), ErrorCode::usage, "low and high"));
}

TEST_CASE("rules are linear in the relevance that arrives") {
  const Net net = conv_net();
  const auto masked = [&](const std::string& method, const std::vector<double>& mask) {
    return explain_results(net.graph, method, {net.x}, target_mask(Tensor::of<double>({1, 4}, mask)))
        .at("attribution:0:0:0");
  };
  for (const std::string method :
       {"lrp_gamma", "lrp_alpha_2_beta_1", "lrp_flat", "zblrp_epsilon_0_1:low=-1,high=1"}) {
    INFO(method);
    const Tensor a = masked(method, {1, 0, 0, 0}), b = masked(method, {0, 0, 1, 0});
    CHECK(difference(masked(method, {2, 0, -3, 0}),
                     zip(a, b, [](double p, double q) { return 2 * p - 3 * q; })) < 1e-9);
  }
}

}  // namespace
}  // namespace onnxray::test
