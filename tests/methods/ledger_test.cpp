#include "tests/catch.h"
#include "tests/methods/conformance.h"

// Where relevance goes at each node: what a report says of shares lost must add up.

namespace onnxray::test {
namespace {

struct Books {
  Results results;

  double entry(int64_t node, const std::string& name, double otherwise = 0) const {
    const auto it = results.find("layer." + std::to_string(node) + name + ":0:0");
    return it == results.end() ? otherwise : it->second.as_double(0);
  }
  bool has(int64_t node, const std::string& name) const {
    return results.contains("layer." + std::to_string(node) + name + ":0:0");
  }
};

Books books_of(const Net& net, const std::string& method, const std::string& convention, int64_t target = 1) {
  ExplainSpec spec;
  spec.methods = resolve_methods({method}, {}, convention);
  spec.targets = {TargetSpec::Kind::index};
  spec.report_layers = true;
  const Program program = emit_explanation(net.graph, OpRegistry::builtin(), spec);
  return {run(program, {net.x, Tensor::of<int64_t>({1}, {target})})};
}

/// Dense - Relu - BatchNormalization - Relu - Dense: a normalisation that cannot be merged.
Net normalised() {
  GraphBuilder g;
  const ValueId a =
      g.dense(g.input("x", {1, 3}), g.constant(hashed({3, 4}, 31)), g.constant(hashed({4}, 32)));
  const ValueId y = g.node("BatchNormalization",
                           {g.relu(a), g.constant({4}, {1.5, -.5, 2, 1}), g.constant({4}, {.1, .2, -.3, .4}),
                            g.constant({4}, {.3, -.1, .2, 0}), g.constant({4}, {.5, 2, 1.3, 1})});
  const ValueId z = g.dense(g.relu(y), g.constant(hashed({4, 3}, 35)), g.constant(hashed({3}, 36, .5)));
  return {g.build({z}), hashed({1, 3}, 33, 2)};
}

TEST_CASE("relevance at a node is what it sends on and what its bias and its stabiliser take") {
  auto nets = homogeneous_nets();
  nets.emplace_back("a normalisation between rectifiers", normalised());
  for (const auto& [name, net] : nets) {
    for (const std::string convention : {"signxai", "zennit", "innvestigate"}) {
      for (const std::string method :
           {"lrp_z", "lrp_epsilon_0_1", "lrp_epsilon_0_25_std_x", "lrp_alpha_1_beta_0", "lrp_alpha_2_beta_1",
            "lrp_alpha_2_beta_1:alphabeta_bias=both", "lrp_gamma", "lrp_z_plus",
            "lrp_z_plus:zplus_bias=include", "lrp_z_plus_fast", "lrp_w_square", "lrp_flat",
            "zblrp_z:low=-2,high=2", "lrp_z:batchnorm=affine_z"}) {
        INFO(name << ", " << convention << ", " << method);
        const Books books = books_of(net, method, convention);
        int64_t checked = 0;
        for (int64_t n = 0; n < std::ssize(net.graph.nodes); ++n) {
          if (!books.has(n, ".sent")) continue;
          const double R = books.entry(n, ""), sent = books.entry(n, ".sent"), bias = books.entry(n, ".bias"),
                       stabiliser = books.entry(n, ".stabiliser");
          INFO(net.graph.nodes[static_cast<size_t>(n)].op << ": " << R << ", " << sent << ", " << bias << ", "
                                                          << stabiliser);
          // Sums in double; terms of opposite sign may be far larger than their sum.
          const double size =
              std::max({1e-3, std::fabs(R), std::fabs(sent), std::fabs(bias), std::fabs(stabiliser)});
          CHECK(std::fabs(R - sent - bias - stabiliser) < 1e-8 * size);
          ++checked;
        }
        CHECK(checked > 2);
      }
    }
  }
}

TEST_CASE("what gated constants take is entered, so that a recurrent net's books close") {
  // At the first step of a GRU with linear_before_reset the reset gate multiplies the bias alone.
  GraphBuilder g;
  const ValueId y = g.node("GRU",
                           {g.input("x", {4, 1, 3}), g.constant(hashed({1, 15, 3}, 1)),
                            g.constant(hashed({1, 15, 5}, 2)), g.constant(hashed({1, 30}, 3))},
                           {{"linear_before_reset", int64_t{1}}});
  const ValueId all = g.node("Reshape", {y, g.ints({1, 20})});
  const Net net{g.build({g.node("MatMul", {all, g.constant(hashed({20, 2}, 4))})}), hashed({4, 1, 3}, 7)};
  const Books books = books_of(net, "lrp_z", "signxai");
  double taken = 0;
  for (int64_t n = 0; n < std::ssize(net.graph.nodes); ++n)
    taken += books.entry(n, ".bias") + books.entry(n, ".stabiliser");
  const double score = books.results.at("score:0").as_double(0);
  // Sums of some hundred terms of size one, in double.
  CHECK(std::fabs(score - sum(books.results.at("attribution:0:0:0")) - taken) < 1e-9);
  CHECK(std::fabs(taken) > 1e-3);
}

TEST_CASE("what the input layer sends is the attribution") {
  const Net net = conv_net();
  const Books books = books_of(net, "lrp_gamma", "zennit");
  CHECK(books.entry(0, ".sent") == Approx(sum(books.results.at("attribution:0:0:0"))));
}

TEST_CASE("the shares lost are those of the formula") {
  // z = 2 - 3 + 1 = 0 beside z = 2 + 3 + 1: R = z of both, epsilon = 1/2.
  GraphBuilder g;
  const Graph graph =
      g.build({g.dense(g.input("x", {1, 2}), g.constant({2, 2}, {2, 2, -3, 3}), g.constant({2}, {1, 1}))});
  ExplainSpec spec;
  spec.methods = resolve_methods({"lrp_epsilon_0_5"}, {}, "signxai");
  spec.targets = {TargetSpec::Kind::mask};
  spec.report_layers = true;
  const Tensor x = Tensor::of<double>({1, 2}, {1, 1});
  const Books books{
      run(emit_explanation(graph, OpRegistry::builtin(), spec), {x, Tensor::of<double>({1, 2}, {1, 1})})};
  // Only the second output starts with relevance, 6: of 6.5 parts the bias has 1 and epsilon 0.5.
  CHECK(books.entry(0, "") == Approx(6));
  CHECK(books.entry(0, ".bias") == Approx(6 * 1 / 6.5));
  CHECK(books.entry(0, ".stabiliser") == Approx(6 * .5 / 6.5));
  // The other denominator, 0.5, divides nothing.
  CHECK(books.entry(0, ".smallest") == Approx(6.5));
}

TEST_CASE("a denominator of the other sign than its contributions is counted") {
  // P = 1 with the bias -1.5: the denominator is -0.5.
  GraphBuilder g;
  const Net net{
      g.build({g.dense(g.input("x", {1, 2}), g.constant({2, 1}, {1, -1}), g.constant({1}, {-1.5}))}),
      Tensor::of<double>({1, 2}, {1, 1})};
  CHECK(books_of(net, "lrp_alpha_1_beta_0:alphabeta_bias=both", "signxai", 0).entry(0, ".crossings") == 1);
  CHECK(books_of(net, "lrp_alpha_1_beta_0:alphabeta_bias=split", "signxai", 0).entry(0, ".crossings") == 0);
}

}  // namespace
}  // namespace onnxray::test
