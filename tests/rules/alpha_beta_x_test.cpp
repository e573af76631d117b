#include "methods/lrp.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

/// One unit: z = 2 x0 - x1 + 3 x2 - 0.5 x3 + 2 at x = (1, 2, -1, -4): the parts of the contributions by the
/// signs of x and w are pp = 2, pn = -2, np = -3, nn = 2, and z = 1.
Net unit() {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4});
  return {g.build({g.dense(x, g.constant({4, 1}, {2, -1, 3, -.5}), g.constant({1}, {2}))}),
          Tensor::of<double>({1, 4}, {1, 2, -1, -4})};
}

std::vector<double> map(const Net& net, const std::string& rule) {
  return explain(net.graph, "lrp:rule=" + rule, net.x, 0).to_doubles();
}

TEST_CASE("AlphaBetaX divides each of the four parts of the contributions by its own sum") {
  using Values = std::vector<double>;
  // R = z = 1; b+ = 2 joins the positive weights, pp and np; b- = 0.
  CHECK(difference(Tensor::of<double>({4}, map(unit(), "AlphaBetaX1000")), Values{.5, 0, 0, 0}) < 1e-15);
  CHECK(difference(Tensor::of<double>({4}, map(unit(), "alpha_beta_x1001")), Values{.5, 0, 0, 1}) < 1e-15);
  CHECK(difference(Tensor::of<double>({4}, map(unit(), "AlphaBetaX1010")), Values{.5, 0, 3, 0}) < 1e-15);
  CHECK(difference(Tensor::of<double>({4}, map(unit(), "AlphaBetaX2m100")), Values{1, -1, 0, 0}) < 1e-15);
  CHECK(difference(Tensor::of<double>({4}, map(unit(), "AlphaBetaX2m100,alphabeta_bias=ignore")),
                   Values{2, -1, 0, 0}) < 1e-15);
}

TEST_CASE("on inputs without negative entries AlphaBetaX2m100 is alpha 2, beta 1 with a split bias") {
  Net net = unit();
  net.x = Tensor::of<double>({1, 4}, {1, 2, 1, .5});
  CHECK(difference(Tensor::of<double>({4}, map(net, "AlphaBetaX2m100")),
                   map(net, "alpha2beta1,alphabeta_bias=split")) < 1e-15);
}

TEST_CASE("iNNvestigate's names of rules without bias leave it out") {
  const Net net = unit();
  for (const std::string rule : {"Alpha2Beta1", "Alpha1Beta0", "AlphaBeta"}) {
    INFO(rule);
    CHECK(map(net, rule + "IgnoreBias") == map(net, rule + ",alphabeta_bias=ignore"));
    CHECK(map(net, rule + "IgnoreBias") != map(net, rule));
  }
  CHECK(map(net, "ZIgnoreBias") == map(net, "z_ib"));
}

TEST_CASE("iNNvestigate's presets give a normalisation that is kept AlphaBetaX2m100") {
  GraphBuilder g;
  const Shape image{1, 2, 4, 4};
  const ValueId a =
      g.relu(g.conv(g.input("x", image), g.constant(hashed({2, 2, 3, 3}, 1)), g.constant({2}, {.1, 0})));
  const ValueId y = g.node("BatchNormalization", {a, g.constant({2}, {1, -2}), g.constant({2}, {.5, .2}),
                                                  g.constant({2}, {.3, -.1}), g.constant({2}, {1, 2})});
  const Graph graph = g.build({g.flatten(g.relu(y))});
  const auto rule_of = [&](const std::string& composite) {
    const RuleAssignment rules(
        graph, OpRegistry::builtin(),
        lrp_composite(resolve_methods({"lrp:composite=" + composite}, {}, "innvestigate")[0]),
        convention("innvestigate"));
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (graph.nodes[n].op == "BatchNormalization") return rules.name_of(static_cast<int32_t>(n));
    }
    return std::string("no normalisation");
  };
  for (const char* preset : {"sequential_preset_a", "sequential_preset_b", "sequential_preset_a_flat",
                             "sequential_preset_b_flat", "sequential_preset_b_flat_until_idx"})
    CHECK(rule_of(preset) == "alpha_beta_x(2, 0, 1, 0)");
  CHECK(rule_of("sequential_composite_a") == "z");
}

}  // namespace
}  // namespace onnxray::test
