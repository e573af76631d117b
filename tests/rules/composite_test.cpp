#include "rules/composite.h"

#include <cmath>

#include "methods/method.h"
#include "rules/classify.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

const Shape kImage{1, 2, 4, 4};

RuleAssignment assign(const Graph& graph, const std::string& method,
                      const std::string& convention = "signxai") {
  const MethodSpec spec = resolve_methods({method}, {}, convention)[0];
  return {graph, OpRegistry::builtin(), lrp_composite(spec), spec.conventions};
}

/// "Conv:sign Relu:pass ..."
std::string rules_of(const Graph& graph, const std::string& method,
                     const std::string& convention = "signxai") {
  const RuleAssignment rules = assign(graph, method, convention);
  std::string text;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (n > 0) text += " ";
    text += graph.nodes[n].op + ":" + rules.name_of(static_cast<int32_t>(n));
  }
  return text;
}

ValueId conv_of(GraphBuilder& g, ValueId x, int64_t in, int64_t out) {
  return g.conv(x, g.constant(hashed({out, in, 3, 3}, in + out)), g.constant(hashed({out}, 4)));
}

TEST_CASE("every node of a net gets the rule of its class") {
  CHECK(rules_of(conv_net().graph, "lrp_epsilon_0_1") ==
        "Conv:epsilon(0.1) Relu:pass MaxPool:vjp Conv:epsilon(0.1) Relu:pass Flatten:vjp Gemm:epsilon(0.1)");
  CHECK(rules_of(average_net().graph, "lrpsign_z") ==
        "Conv:sign Relu:pass AveragePool:proportional Conv:z GlobalAveragePool:proportional Flatten:vjp "
        "Gemm:z Softmax:softmax");
  CHECK(rules_of(branching_net().graph, "lrpsign_epsilon_0_25_std_x_mu_neg_0_5") ==
        "Conv:sign_mu(-0.5) Relu:pass Conv:sign_mu(-0.5) Concat:vjp MaxPool:vjp Flatten:vjp "
        "Gemm:epsilon_std_x(0.25)");
}

TEST_CASE("an addition shares relevance in proportion to its terms") {
  GraphBuilder g;
  const ValueId a = g.input("a", {1, 2}), b = g.input("b", {1, 2});
  const Graph graph = g.build({g.node("Add", {a, b})});
  const auto shares = explain_all(
      graph, "lrp_z", {Tensor::of<double>({1, 2}, {3, 9}), Tensor::of<double>({1, 2}, {-1, 9})}, 0);
  // R = 3 + (-1); the shares are the terms.
  CHECK(shares[0].to_doubles() == std::vector<double>{3, 0});
  CHECK(shares[1].to_doubles() == std::vector<double>{-1, 0});
}

TEST_CASE("a concat gives each of its inputs its own part") {
  GraphBuilder g;
  const ValueId a = g.input("a", {1, 2}), b = g.input("b", {1, 3});
  const Graph graph = g.build({g.node("Concat", {a, b}, {{"axis", int64_t{1}}})});
  const auto shares = explain_all(
      graph, "lrp_z", {Tensor::of<double>({1, 2}, {1, 2}), Tensor::of<double>({1, 3}, {3, 4, 5})}, 3);
  CHECK(shares[0].to_doubles() == std::vector<double>{0, 0});
  CHECK(shares[1].to_doubles() == std::vector<double>{0, 4, 0});
}

TEST_CASE("a product with a constant passes relevance on, and one of two activations halves it") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2});
  const Graph scaled = g.build({g.node("Mul", {x, g.constant({2}, {5, -2})})});
  CHECK(explain(scaled, "lrp_z", Tensor::of<double>({1, 2}, {3, 4}), 0).to_doubles() ==
        std::vector<double>{15, 0});
  const ValueId y = g.input("y", {1, 2});
  const Graph product = g.build({g.node("Mul", {x, y})});
  const auto shares = explain_all(
      product, "lrp_z", {Tensor::of<double>({1, 2}, {3, 4}), Tensor::of<double>({1, 2}, {2, 7})}, 0);
  CHECK(shares[0].to_doubles() == std::vector<double>{3, 0});
  CHECK(shares[1].to_doubles() == std::vector<double>{3, 0});
}

TEST_CASE("an activation passes relevance, whatever its slope") {
  for (const char* op : {"Tanh", "Sigmoid", "LeakyRelu", "Elu", "HardSwish", "Softplus"}) {
    INFO(op);
    GraphBuilder g;
    const Graph graph = g.build({g.node(op, {g.input("x", {1, 3})}, {}, "y")});
    const Results results =
        explain_results(graph, "lrp_z", {Tensor::of<double>({1, 3}, {-2, .5, 1})}, target_index({1}));
    // What is explained: y, or the logit where a sigmoid ends the model.
    CHECK(results.at("attribution:0:0:0").to_doubles() ==
          std::vector<double>{0, results.at("logits").as_double(1), 0});
  }
}

TEST_CASE("the input layer is found through shape nodes and constant affine nodes") {
  struct Case {
    std::string name;
    ValueId (*stem)(GraphBuilder&, ValueId);
  };
  const Case cases[] = {
      {"nothing", [](GraphBuilder&, ValueId x) { return x; }},
      {"subtraction of a mean",
       [](GraphBuilder& g, ValueId x) {
         return g.node("Sub", {x, g.constant({2, 1, 1}, {.3, -.2})});
       }},
      {"scaling",
       [](GraphBuilder& g, ValueId x) {
         return g.node("Div", {g.node("Mul", {x, g.constant({1}, {2})}), g.constant({2, 1, 1}, {.3, .2})});
       }},
      {"normalisation",
       [](GraphBuilder& g, ValueId x) {
         return g.node("BatchNormalization", {x, g.constant({2}, {1, 2}), g.constant({2}, {0, 1}),
                                              g.constant({2}, {.1, .2}), g.constant({2}, {1, 3})});
       }},
      {"transpose",
       [](GraphBuilder& g, ValueId x) {
         return g.node("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
       }},
      {"dropout and padding",
       [](GraphBuilder& g, ValueId x) {
         return g.node("Pad", {g.node("Dropout", {x}), g.ints({0, 0, 1, 0, 0, 0, 0, 1})});
       }},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    GraphBuilder g;
    const ValueId x = c.stem(g, g.input("x", kImage));
    const Graph graph = g.build({g.flatten(conv_of(g, g.relu(conv_of(g, x, 2, 3)), 3, 2))});
    const std::string rules = rules_of(graph, "lrpsign_epsilon_0_1");
    const size_t first = rules.find("Conv:"), second = rules.find("Conv:", first + 1);
    CHECK(rules.substr(first, 9) == "Conv:sign");
    CHECK(rules.substr(second, 17) == "Conv:epsilon(0.1)");
  }
}

TEST_CASE("a dense layer behind a flatten is the input layer") {
  GraphBuilder g;
  const ValueId flat = g.flatten(g.input("x", kImage));
  const Graph graph = g.build({g.dense(flat, g.constant(hashed({32, 2}, 1)), g.constant(hashed({2}, 2)))});
  CHECK(rules_of(graph, "lrpsign_z") == "Flatten:vjp Gemm:sign");
}

TEST_CASE("an input-layer rule without an input layer is an error that says so") {
  GraphBuilder g;
  const Graph graph = g.build({g.flatten(conv_of(g, g.max_pool(g.relu(g.input("x", kImage))), 2, 3))});
  const Error error = error_of([&] { assign(graph, "lrpsign_z"); });
  CHECK(says(error, ErrorCode::unsupported, "lrpsign_z has a rule for the input layer"));
  CHECK(rules_of(graph, "lrp_z") == "Relu:pass MaxPool:vjp Conv:z Flatten:vjp");
}

TEST_CASE("a matrix product is linear with a constant and bilinear without") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3, 3});
  const Graph graph = g.build({g.node("MatMul", {g.node("MatMul", {x, g.constant(hashed({3, 3}, 1))}), x})});
  const std::vector<bool> dependent = data_dependent(graph, OpRegistry::builtin());
  REQUIRE(graph.nodes.size() == 2);
  CHECK(classify(graph, graph.nodes[0], OpRegistry::builtin(), dependent) == RelevanceClass::linear);
  CHECK(classify(graph, graph.nodes[1], OpRegistry::builtin(), dependent) == RelevanceClass::bilinear);
}

/// Conv - [BatchNormalization] - Relu - Flatten; with `folded`, the normalisation is inside the weights.
Graph normalised_conv(bool folded) {
  const std::vector<double> scale{1.5, -.5, 2}, shift{.1, .2, -.3}, mean{.3, -.1, .2}, variance{.5, 2, 1.3};
  constexpr double kEpsilon = 1e-5;
  Tensor w = hashed({3, 2, 3, 3}, 1), bias = hashed({3}, 2);
  GraphBuilder g;
  const ValueId x = g.input("x", kImage);
  if (!folded) {
    const ValueId z = g.conv(x, g.constant(w), g.constant(bias));
    const ValueId y = g.node(
        "BatchNormalization",
        {z, g.constant({3}, scale), g.constant({3}, shift), g.constant({3}, mean), g.constant({3}, variance)},
        {{"epsilon", kEpsilon}});
    return g.build({g.flatten(g.relu(y))});
  }
  for (size_t c = 0; c < 3; ++c) {
    const double factor = scale[c] / std::sqrt(variance[c] + kEpsilon);
    for (size_t i = 0; i < 18; ++i) w.mutable_data<double>()[c * 18 + i] *= factor;
    double& b = bias.mutable_data<double>()[c];
    b = (b - mean[c]) * factor + shift[c];
  }
  return g.build({g.flatten(g.relu(g.conv(x, g.constant(w), g.constant(bias))))});
}

TEST_CASE("a normalisation that cannot be folded passes relevance on under Zennit's convention") {
  GraphBuilder g;
  const ValueId y = g.node("BatchNormalization", {g.relu(conv_of(g, g.input("x", kImage), 2, 3)),
                                                  g.constant({3}, {1, 2, 3}), g.constant({3}, {0, 1, 2}),
                                                  g.constant({3}, {.1, .2, .3}), g.constant({3}, {1, 3, 2})});
  const Graph graph = g.build({g.flatten(g.relu(y))});
  const auto rule = [&](const char* method, const char* convention) {
    const std::string rules = rules_of(graph, method, convention);
    const size_t at = rules.find("BatchNormalization:") + 19;
    return rules.substr(at, rules.find(' ', at) - at);
  };
  for (const char* method : {"lrp_z", "lrp_epsilon_0_1", "lrp_z_plus", "lrp:composite=epsilon_plus"}) {
    INFO(method);
    CHECK(rule(method, "zennit") == "pass");
  }
  CHECK(rule("lrp:composite=epsilon_plus", "signxai") == "pass");
  CHECK(rule("lrp:composite=EpsilonPlus", "") == "pass");
  CHECK(rule("lrp_z", "signxai") == "proportional");
  CHECK(rule("lrp_z:batchnorm=fold", "zennit") == "proportional");
}

TEST_CASE("an operator that moves entries shares relevance where it adds them, and only there") {
  const auto rule_of = [](const std::string& op, const Attributes& attributes) {
    GraphBuilder g;
    g.set_opset(18);
    const ValueId x = g.input("x", kImage), none = g.constant(Tensor(DType::f32, {0}));
    const Tensor first = Tensor::filled(DType::i64, kImage, 0);
    ValueId y = kNoValue;
    if (op == "Resize") y = g.node(op, {x, none, none, g.ints({1, 2, 7, 7})}, attributes);
    if (op == "ScatterElements")
      y = g.node(op, {x, g.constant(first), g.constant(hashed(kImage, 1))}, attributes);
    if (op == "Pad") y = g.node(op, {x, g.ints({0, 0, 1, 1, 0, 0, 1, 1})}, attributes);
    const std::string rules = rules_of(g.build({y}), "lrp_z");
    return rules.substr(rules.find(':') + 1);
  };
  CHECK(rule_of("Resize", {{"mode", std::string("nearest")}}) == "vjp");
  CHECK(rule_of("Resize", {{"mode", std::string("linear")}}) == "proportional");
  CHECK(rule_of("ScatterElements", {}) == "vjp");
  CHECK(rule_of("ScatterElements", {{"reduction", std::string("max")}}) == "vjp");
  CHECK(rule_of("ScatterElements", {{"reduction", std::string("add")}}) == "proportional");
  CHECK(rule_of("ScatterElements", {{"reduction", std::string("mul")}}) == "proportional");
  CHECK(rule_of("Pad", {{"mode", std::string("reflect")}}) == "vjp");
}

TEST_CASE("a map does not depend on whether the exporter folded the normalisation") {
  const Tensor x = hashed(kImage, 9);
  for (const char* method : {"gradient", "lrp_z", "lrp_epsilon_0_1", "lrpsign_epsilon_0_25_std_x",
                             "lrp_alpha_2_beta_1", "lrp_gamma", "lrp_z_plus", "lrp_flat", "w2lrp_epsilon_0_1",
                             "zblrp_z:low=-1,high=1", "guided_backprop"}) {
    INFO(method);
    // Both sides round the same products in double.
    CHECK(difference(explain(normalised_conv(false), method, x, 20),
                     explain(normalised_conv(true), method, x, 20)) < 1e-12);
  }
}

}  // namespace
}  // namespace onnxray::test
