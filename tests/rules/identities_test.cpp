#include <cmath>

#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

// Two ways through the same sums in double: they differ by rounding that grows with the depth.
constexpr double kRounding = 1e-10;

double sign(double v) { return v < 0 ? -1 : 1; }

TEST_CASE("z-relevance is input times gradient on positively homogeneous nets, with biases") {
  for (const auto& [name, net] : homogeneous_nets()) {
    INFO(name);
    const Tensor gradient = explain(net.graph, "gradient", net.x, 1);
    CHECK(difference(explain(net.graph, "lrp_z", net.x, 1), zip(net.x, gradient, std::multiplies<>())) <
          kRounding);
    CHECK(difference(explain(net.graph, "input_t_gradient", net.x, 1),
                     zip(net.x, gradient, std::multiplies<>())) == 0);
  }
}

TEST_CASE("the SIGN rule under z is the input's sign times the gradient on the same nets") {
  for (auto [name, net] : homogeneous_nets()) {
    INFO(name);
    net.x.mutable_data<double>()[3] = 0;  // the sign of 0 is +1
    const Tensor gradient = explain(net.graph, "gradient", net.x, 2);
    const auto signed_gradient = [](double x, double g) { return sign(x) * g; };
    CHECK(difference(explain(net.graph, "lrpsign_z", net.x, 2), zip(net.x, gradient, signed_gradient)) <
          kRounding);
  }
}

TEST_CASE("the z rule at the input layer is the input's size times the SIGN rule, under every base rule") {
  for (const auto& [name, net] : homogeneous_nets()) {
    for (const char* base : {"z", "epsilon_0_1", "epsilon_0_25_std_x", "alpha_1_beta_0", "alpha_2_beta_1",
                             "gamma", "z_plus", "w_square", "flat", "sequential_composite_b"}) {
      INFO(name << ", " << base);
      const Tensor z = explain(net.graph, std::string("lrpz_") + base, net.x, 1);
      const Tensor signed_one = explain(net.graph, std::string("lrpsign_") + base, net.x, 1);
      // x = |x| sgn(x) holds exactly in floating point.
      CHECK(difference(zip(net.x, signed_one, [](double x, double r) { return std::fabs(x) * r; }), z) <
            1e-15);
    }
  }
}

TEST_CASE("without biases proportional rules keep the sum: the relevance adds up to the logit") {
  for (const auto& [name, net] : homogeneous_nets({.bias = false})) {
    INFO(name);
    const Results results = explain_results(net.graph, "lrp_z", {net.x}, target_index({1}));
    const double logit = results.at("score:0").as_double(0);
    CHECK(std::fabs(sum(results.at("attribution:0:0:0")) - logit) < kRounding * std::fabs(logit) * 10);
  }
}

TEST_CASE("epsilon tends to z as epsilon goes to zero") {
  for (const auto& [name, net] : homogeneous_nets()) {
    INFO(name);
    const Tensor z = explain(net.graph, "lrp_z", net.x, 1);
    const double far = difference(explain(net.graph, "lrp_epsilon_0_000001", net.x, 1), z);
    const double near = difference(explain(net.graph, "lrp_epsilon_0_00000001", net.x, 1), z);
    CHECK(far > 0);
    // The error is linear in epsilon once epsilon is small beside every z.
    CHECK(near < far / 50);
  }
}

TEST_CASE("relevance is linear in what it starts from") {
  const Tensor p = hashed({1, 4}, 1), q = hashed({1, 4}, 2);
  const Tensor mixed = zip(p, q, [](double a, double b) { return 2 * a - 3 * b; });
  const Net net = conv_net();
  for (const char* method :
       {"gradient", "lrp_z", "lrp_epsilon_0_1", "lrp_epsilon_0_25_std_x", "lrpsign_epsilon_0_1_mu_0_5"}) {
    INFO(method);
    const auto relevance = [&](const Tensor& mask) {
      return explain_results(net.graph, method, {net.x}, target_mask(mask)).at("attribution:0:0:0");
    };
    const Tensor sum = zip(relevance(p), relevance(q), [](double a, double b) { return 2 * a - 3 * b; });
    CHECK(difference(relevance(mixed), sum) < kRounding);
  }
}

TEST_CASE("an attribution of a sample does not depend on its batch, to the bit") {
  const auto singles = homogeneous_nets();
  const auto batches = homogeneous_nets({.batch = 3});
  for (size_t n = 0; n < singles.size(); ++n) {
    for (const char* method : {"gradient",
                               "guided_backprop",
                               "deconvnet",
                               "integrated_gradients_steps_4",
                               "grad_cam",
                               "smoothgrad_samples_3",
                               "vargrad:samples=3,noise=range",
                               "occlusion:window=2,stride=2",
                               "lrp_z",
                               "lrp_epsilon_0_1",
                               "lrp_epsilon_0_25_std_x",
                               "lrp_alpha_1_beta_0",
                               "lrp_alpha_2_beta_1",
                               "lrp_gamma",
                               "lrp_z_plus",
                               "lrp_z_plus_fast",
                               "lrp_w_square",
                               "lrp_flat",
                               "lrp_sequential_composite_b",
                               "lrpsign_epsilon_0_1",
                               "lrpz_alpha_1_beta_0",
                               "w2lrp_z",
                               "flatlrp_z",
                               "zblrp_z:low=-2,high=2",
                               "deep_taylor"}) {
      INFO(singles[n].first << ", " << method);
      const Tensor together = explain(batches[n].second.graph, method, batches[n].second.x, 1);
      for (int64_t i = 0; i < 3; ++i) {
        // The reference backend runs the same operations in the same order: equal to the bit.
        CHECK(sample(together, i).to_doubles() ==
              explain(singles[n].second.graph, method, sample(batches[n].second.x, i), 1).to_doubles());
      }
    }
  }
}

TEST_CASE("the sign rule with a threshold compares the layer's own input") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4});
  const Graph graph = g.build({g.dense(x, g.constant(hashed({4, 2}, 1)), g.constant({2}, {.1, .2}))});
  const Tensor at = Tensor::of<double>({1, 4}, {-.7, -.5, 0, .2});
  // x >= mu is +1, also at equality: SIGN and SIGNmu differ by these signs alone.
  const std::vector<double> relevance = explain(graph, "lrpsign_z_mu_neg_0_5", at, 0).to_doubles();
  const Tensor gradient = explain(graph, "gradient", at, 0);
  CHECK(difference(gradient, {-relevance[0], relevance[1], relevance[2], relevance[3]}) < kRounding);
}

TEST_CASE("the threshold of the sign modifier compares the original input, below -1 too") {
  GraphBuilder g;
  const Graph graph = g.build({g.node("Identity", {g.input("x", {1, 3})})});
  const auto signs = [&](const std::string& mu, const std::vector<double>& x) {
    const Tensor mask = Tensor::filled(DType::f64, {1, 3}, 1);
    return explain_results(graph, "gradient_x_sign" + mu, {Tensor::of<double>({1, 3}, x)}, target_mask(mask))
        .at("attribution:0:0:0")
        .to_doubles();
  };
  using Values = std::vector<double>;
  CHECK(signs("_mu_neg_100", {-200, -50, 3}) == Values{-1, 1, 1});
  CHECK(signs("_mu_neg_0_5", {-.7, -.5, 0}) == Values{-1, 1, 1});
  CHECK(signs("_mu", {-.7, 0, .2}) == Values{-1, 1, 1});
  CHECK(signs("", {-.7, -0.0, .2}) == Values{-1, 1, 1});
  CHECK(std::isnan(signs("_mu_0_5", {NAN, 1, 0})[0]));
  CHECK(signs("", {NAN, 1, 0}) == Values{1, 1, 1});
}

}  // namespace
}  // namespace onnxray::test
