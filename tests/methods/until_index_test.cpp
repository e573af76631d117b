#include "methods/lrp.h"
#include "rules/builtin_composites.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

Composite composite_of(const std::string& method, const std::map<std::string, std::string>& parameters = {}) {
  return lrp_composite(resolve_methods({method}, parameters, "signxai")[0]);
}

/// The rules of the linear nodes, input to output.
std::vector<std::string> linear_rules(const Graph& graph, const std::string& method) {
  const RuleAssignment rules(graph, OpRegistry::builtin(), composite_of(method));
  std::vector<std::string> names;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::string& op = graph.nodes[n].op;
    if (op == "Conv" || op == "Gemm" || op == "MatMul")
      names.push_back(rules.name_of(static_cast<int32_t>(n)));
  }
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("lrp.rule_until_index gives a rule to the first linear layers, the others keep their composite's") {
  const Graph graph = conv_net().graph;
  const Names without = linear_rules(graph, "lrp:composite=sequential_composite_b");
  REQUIRE(without.size() >= 3);
  const auto until = [&](size_t index, const std::string& first, const std::string& rule) {
    Names names = without;
    std::fill_n(names.begin(), index + 1, rule);
    names[0] = first;
    return names;
  };
  CHECK(linear_rules(graph, "lrp.rule_until_index") == until(0, "flat", "flat"));
  CHECK(linear_rules(graph, "lrp.rule_until_index:until_layer_idx=1") == until(1, "flat", "flat"));
  // What the composite has for the input layer, as well as input_layer_rule, counts before.
  CHECK(linear_rules(graph, "lrp.rule_until_index:until_layer_idx=1,until_index_rule=WSquare") ==
        until(1, "flat", "w_square"));
  CHECK(linear_rules(graph, "lrp.rule_until_index:until_layer_idx=1,input_layer_rule=Z") ==
        until(1, "z", "flat"));
}

TEST_CASE("lrp.rule_until_index takes any composite or rule for the others") {
  const Graph graph = conv_net().graph;
  const Names names =
      linear_rules(graph, "lrp.rule_until_index:default_rule_configuration=LRPSequentialPresetA");
  CHECK(names[0] == "flat");
  CHECK(names[1] == linear_rules(graph, "lrp:composite=sequential_preset_a")[1]);
  CHECK(linear_rules(graph, "lrp.rule_until_index:rule=epsilon,epsilon=0.5")[1] == "epsilon(0.5)");
  CHECK(composite_of("lrp.rule_until_index", {{"composite", "epsilon_plus"}}).entries.size() ==
        builtin_composite("epsilon_plus").entries.size() + 1);
}

TEST_CASE("until_layer_rule is a parameter of every LRP method") {
  const Net net = conv_net();
  CHECK(difference(explain(net.graph, "lrp_z_plus:until_layer_rule=flat,until_layer_idx=99", net.x, 1),
                   explain(net.graph, "lrp_flat", net.x, 1)) == 0);
  CHECK(difference(explain(net.graph, "lrp_epsilon_0_1:until_layer_rule=z", net.x, 1),
                   explain(net.graph, "lrpz_epsilon_0_1", net.x, 1)) == 0);
  for (const char* index : {"-1", "0.5", "two"}) {
    const auto error =
        error_of([&] { composite_of(std::string("lrp.rule_until_index:until_layer_idx=") + index); });
    CHECK(says(error, ErrorCode::usage, "until_layer_idx"));
  }
}

}  // namespace
}  // namespace onnxray::test
