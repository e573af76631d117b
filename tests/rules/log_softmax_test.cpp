#include <cmath>

#include "backends/reference/reference.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

/// x -> log softmax along the last axis -> dense, by the operator or by its definition.
Graph net(bool spelled, int64_t opset = 13) {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 4});
  g.set_opset(opset);
  ValueId y = kNoValue;
  if (spelled) {
    const ValueId lse = g.node("ReduceLogSumExp", {x}, {{"axes", std::vector<int64_t>{1}}});
    y = g.node("Sub", {x, lse});
  } else {
    y = g.node("LogSoftmax", {x}, {{"axis", int64_t{1}}});
  }
  return g.build({g.node("MatMul", {y, g.constant(hashed({4, 2}, 3))})});
}

TEST_CASE("LogSoftmax has the relevance of its definition, Sub of ReduceLogSumExp") {
  const Tensor x = hashed({2, 4}, 1, 2);
  for (const char* convention : {"signxai", "zennit", "innvestigate"}) {
    INFO(convention);
    const auto backend = make_reference_backend(true);
    const auto map = [&](const Graph& graph) {
      return explain_together(*backend, graph, {"lrp_z"}, x, target_index({1, 0}), convention)[0];
    };
    const Tensor expected = map(net(true));
    // The same formula in another order; zennit adds 1e-6 to the denominators of both sums that the
    // definition has.
    const double bound = convention == std::string_view("zennit") ? 1e-6 : 1e-12;
    CHECK(difference(map(net(false)), expected) < bound);
    CHECK(difference(map(net(false, 11)), expected) < bound);
  }
}

TEST_CASE("relevance at LogSoftmax is x (s - p sum s) with s = R / y") {
  const Tensor x = Tensor::of<double>({1, 3}, {1, 0.5, -1});
  GraphBuilder g;
  const ValueId y = g.node("LogSoftmax", {g.input("x", {1, 3})}, {{"axis", int64_t{-1}}});
  const std::vector<double> w{2, -1, 3};
  const Graph graph = g.build({g.node("MatMul", {y, g.constant({3, 1}, w)})});
  const double z = std::exp(1.0) + std::exp(0.5) + std::exp(-1.0);
  std::vector<double> expected;
  // R = y w, so that s = w, and sum s = 4.
  for (size_t i = 0; i < 3; ++i)
    expected.push_back(x.as_double(static_cast<int64_t>(i)) *
                       (w[i] - std::exp(x.as_double(static_cast<int64_t>(i))) / z * 4));
  CHECK(difference(explain(graph, "lrp_z", x, 0), expected) < 1e-14);
}

TEST_CASE("a class that is masked by -inf has no relevance at LogSoftmax, and is no NaN") {
  const Tensor x = Tensor::of<double>({1, 3}, {1, -INFINITY, -1});
  GraphBuilder g;
  const ValueId y = g.node("LogSoftmax", {g.input("x", {1, 3})}, {{"axis", int64_t{-1}}});
  const ValueId two = g.node("Gather", {y, g.ints({0, 2})}, {{"axis", int64_t{1}}});
  const Graph graph = g.build({g.node("MatMul", {two, g.constant({2, 1}, {2, -1})})});
  const std::vector<double> map = explain(graph, "lrp_z", x, 0).to_doubles();
  CHECK(map[1] == 0);
  CHECK(std::isfinite(map[0]));
  CHECK(std::isfinite(map[2]));
}

}  // namespace
}  // namespace onnxray::test
