#include <cmath>

#include "rules/composite.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

/// x [4,1,3] -> a recurrent node without biases -> the last step's state -> two classes.
Graph recurrent_net(const std::string& op, int64_t gates, Attributes attributes, int64_t directions) {
  GraphBuilder g;
  const ValueId x = g.input("x", {4, 1, 3});
  const ValueId w = g.constant(hashed({directions, gates * 5, 3}, 1)),
                r = g.constant(hashed({directions, gates * 5, 5}, 2));
  const ValueId y = g.node(op, {x, w, r}, std::move(attributes));
  const ValueId all = g.node("Reshape", {y, g.ints({1, 4 * directions * 5})});
  return g.build({g.node("MatMul", {all, g.constant(hashed({4 * directions * 5, 2}, 3))})});
}

// The denominators of z are sums of a few numbers of size one, in double.
constexpr double kRounding = 1e-9;

TEST_CASE(
    "relevance passes recurrent nodes by their signals, so that without biases it adds up to the logit") {
  const auto check = [](const Graph& graph) {
    const Results results = explain_results(graph, "lrp_z", {hashed({4, 1, 3}, 7)}, target_index({1}));
    const double logit = results.at("score:0").as_double(0);
    CHECK(std::fabs(sum(results.at("attribution:0:0:0")) - logit) < kRounding);
  };
  check(recurrent_net("RNN", 1, {{"hidden_size", int64_t{5}}}, 1));
  check(recurrent_net("LSTM", 4, {{"direction", std::string("bidirectional")}}, 2));
  check(recurrent_net("GRU", 3, {}, 1));
  check(recurrent_net("GRU", 3, {{"linear_before_reset", int64_t{1}}}, 1));
}

TEST_CASE("every product of a recurrent node is a gate, none is shared") {
  const Graph graph = recurrent_net("LSTM", 4, {}, 1);
  const RuleAssignment rules(graph, OpRegistry::builtin(), {}, convention("signxai"));
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op == "Mul") CHECK(rules.name_of(static_cast<int32_t>(n)) == "gate(signal 1)");
  }
}

}  // namespace
}  // namespace onnxray::test
