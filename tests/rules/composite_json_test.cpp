#include "rules/composite_json.h"

#include "methods/method.h"
#include "rules/builtin_composites.h"
#include "rules/match.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

std::string rules_of(const Graph& graph, const Composite& composite, const Conventions& conventions = {}) {
  const RuleAssignment rules(graph, OpRegistry::builtin(), composite, conventions);
  std::string text;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    text += (n > 0 ? " " : "") + graph.nodes[n].op + ":" + rules.name_of(static_cast<int32_t>(n));
  }
  return text;
}

std::string rules_of(const Graph& graph, const std::string& json) {
  return rules_of(graph, composite_from_json(json, "test"));
}

TEST_CASE("every built-in composite survives a trip through JSON") {
  for (const std::string_view name : builtin_composite_names()) {
    INFO(name);
    const Composite composite = builtin_composite(name, {{{"until", 2}}, {-1, -2}, {1, 2}});
    CHECK(composite_from_json(to_json(composite), "test") == composite);
  }
  CHECK(says(error_of([] { builtin_composite("epsilon_minus"); }), ErrorCode::usage, "epsilon_plus_flat"));
}

TEST_CASE("a composite matches by class, operator, name and position") {
  const Graph graph = conv_net().graph;
  CHECK(rules_of(graph, R"({"rules": [{"match": {"ops": ["Conv"], "position": "first"}, "rule": "flat"},
                                      {"match": {"position": "last", "class": "linear"}, "rule": {"name": "epsilon", "epsilon": 0.5}},
                                      {"match": {"ops": "Relu"}, "rule": "vjp"},
                                      {"match": {"class": "linear"}, "rule": {"name": "gamma", "gamma": 2}}]})") ==
        "Conv:flat Relu:vjp MaxPool:vjp Conv:gamma(2) Relu:vjp Flatten:vjp Gemm:epsilon(0.5)");
  CHECK(
      rules_of(
          graph,
          R"({"rules": [{"match": {"name": "Conv#?"}, "rule": "z_plus"}, {"match": {"until": 1}, "rule": "flat"}]})") ==
      "Conv:z_plus Relu:pass MaxPool:vjp Conv:z_plus Relu:pass Flatten:vjp Gemm:z");
  CHECK(rules_of(graph, R"({"rules": [{"match": {"until": 1}, "rule": "flat"}]})") ==
        "Conv:flat Relu:pass MaxPool:vjp Conv:flat Relu:pass Flatten:vjp Gemm:z");
  // Every stem of a net with branches is first.
  CHECK(rules_of(branching_net().graph,
                 R"({"rules": [{"match": {"class": "linear", "position": "first"}, "rule": "flat"}]})") ==
        "Conv:flat Relu:pass Conv:flat Concat:vjp MaxPool:vjp Flatten:vjp Gemm:z");
}

TEST_CASE("what is wrong in a composite is named") {
  const auto error = [](const std::string& json) {
    return error_of([&] { composite_from_json(json, "mine.json"); });
  };
  CHECK(says(error("{"), ErrorCode::usage, "mine.json"));
  CHECK(
      says(error(R"({"rules": [{"match": {"op": "Conv"}, "rule": "z"}]})"), ErrorCode::usage, "no key 'op'"));
  CHECK(says(error(R"({"rules": [{"match": {"class": "conv"}, "rule": "z"}]})"), ErrorCode::usage, "linear"));
  CHECK(says(error(R"({"rules": [{"rule": "epsilom"}]})"), ErrorCode::usage, "unknown rule 'epsilom'"));
  CHECK(says(error(R"({"rules": [{"rule": {"name": "gamma", "epsilon": 1}}]})"), ErrorCode::usage,
             "no parameter 'epsilon'"));
  CHECK(says(error(R"({"rules": ["z"]})"), ErrorCode::usage, "rules[0] must be an object"));
  CHECK(says(error(R"({"rules": [{"rule": "z"}, {"rule": {"name": "epsilon", "epsilon": -1}}]})"),
             ErrorCode::usage, "rules[1].rule.epsilon must be a number from 0"));
  CHECK(says(error(R"({"rules": [{"rule": {"name": "bounded", "low": [], "high": 1}}]})"), ErrorCode::usage,
             "rules[0].rule: low"));
  CHECK(says(error(R"({"rules": [{"match": {"until": 1e18}, "rule": "z"}]})"), ErrorCode::usage,
             "rules[0].match.until"));
  CHECK(says(error(R"({"rules": [{"rule": {"name": "alpha_beta", "alpha": 2, "beta": 2}}]})"),
             ErrorCode::usage, "alpha - beta = 1"));
}

TEST_CASE("globs match whole names") {
  CHECK(matches_glob("layer1.*.conv?", "layer1.0.conv2"));
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("*conv*", "a/conv_1"));
  CHECK_FALSE(matches_glob("conv", "conv1"));
  CHECK_FALSE(matches_glob("conv?", "conv"));
}

TEST_CASE("zennit's composites give pools and sums its norm rule") {
  Conventions zennit = convention("zennit");
  CHECK(rules_of(average_net().graph, builtin_composite("epsilon_gamma_box", {{}, {-1}, {1}}), zennit) ==
        "Conv:bounded(-1, 1) Relu:pass AveragePool:norm Conv:gamma(0.25) GlobalAveragePool:norm Flatten:vjp "
        "Gemm:epsilon(1e-06) Softmax:softmax");
  CHECK(rules_of(residual_net().graph, builtin_composite("epsilon_plus_flat"), zennit) ==
        "Conv:flat Conv:z_plus Relu:pass Add:norm GlobalAveragePool:norm Flatten:vjp Gemm:epsilon(1e-06)");
}

TEST_CASE("the signal of a gated product takes all relevance") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 3, 3});
  const ValueId squeezed = g.node("GlobalAveragePool", {x});
  const ValueId gate = g.node(
      "Sigmoid", {g.node("Conv", {squeezed, g.constant(Tensor::filled(DType::f64, {2, 2, 1, 1}, .5))})});
  const std::string rules = rules_of(g.build({g.node("Mul", {gate, x})}), Composite{});
  CHECK(rules.find("Mul:gate(signal 1)") != std::string::npos);
  GraphBuilder plain;
  const ValueId a = plain.input("a", {1, 2}), b = plain.input("b", {1, 2});
  CHECK(rules_of(plain.build({plain.node("Mul", {a, b})}), Composite{}) == "Mul:bilinear");
  CHECK(rules_of(plain.build({plain.node("Mul", {plain.node("Tanh", {a}), plain.node("Sigmoid", {b})})}),
                 Composite{})
            .find("gate(signal 0)") != std::string::npos);
}

TEST_CASE("an LRP method takes its rules from one place") {
  const auto composite = [](const std::string& method) {
    return lrp_composite(resolve_methods({method}, {}, "signxai")[0]);
  };
  CHECK(says(error_of([&] { composite("lrp"); }), ErrorCode::usage, "needs rule=NAME or composite=NAME"));
  CHECK(says(error_of([&] { composite("lrp_z:rule=gamma"); }), ErrorCode::usage, "more than one"));
  CHECK(says(error_of([&] { composite("lrp:rule=beta"); }), ErrorCode::usage, "'beta' is no rule"));
  for (const char* rule : {"epsilon", "zplus", "alphabeta", "alpha1beta0", "gamma", "flat", "w_square",
                           "WSquare", "ZIgnoreBias"}) {
    CHECK_NOTHROW(composite(std::string("lrp:rule_type=") + rule));
  }
  const Composite input = composite("lrp_epsilon_0_1:input_layer_rule=-1;2");
  CHECK(input.entries[0].match.input_layer);
  CHECK(input.entries[0].rule == RuleSpec{"bounded", {}, {{"low", {-1}}, {"high", {2}}}});
  const Composite vgg = composite("zblrp_epsilon_10_VGG16ILSVRC");
  CHECK(vgg.entries[0].rule == RuleSpec{"bounded", {}, {{"low", {-123.68}}, {"high", {151.061}}}});
}

}  // namespace
}  // namespace onnxray::test
