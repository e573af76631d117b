#include "backends/reference/reference.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

constexpr double kFactor = -0.7, kBiasFactor = -1.3;
// The same numbers, multiplied in another order.
constexpr double kRounding = 1e-13;

Tensor scaled(const Tensor& t, double factor) {
  return zip(t, t, [&](double v, double) { return factor * v; });
}

const Tensor kX = hashed({2, 4}, 1), kW = hashed({4, 5}, 2), kB = hashed({5}, 3);

Tensor transposed(const Tensor& t) {
  std::vector<double> values;
  for (int64_t j = 0; j < t.shape()[1]; ++j) {
    for (int64_t i = 0; i < t.shape()[0]; ++i) values.push_back(t.as_double(i * t.shape()[1] + j));
  }
  return Tensor::of<double>({t.shape()[1], t.shape()[0]}, values);
}

/// x -> `first` -> Relu -> dense.
template <class First>
Graph net(First first) {
  GraphBuilder g;
  ValueId y = first(g, g.input("x", {2, 4}));
  g.set_domain("");
  g.set_opset(17);
  y = g.relu(y);
  return g.build({g.node("MatMul", {y, g.constant(hashed({5, 3}, 4))})});
}

Graph plain(bool bias) {
  return net([&](GraphBuilder& g, ValueId x) {
    const ValueId w = g.constant(scaled(kW, kFactor));
    return bias ? g.dense(x, w, g.constant(scaled(kB, kBiasFactor))) : g.node("MatMul", {x, w});
  });
}

void check_equal(const Graph& graph, const Graph& expected) {
  const auto backend = make_reference_backend(true);
  for (const char* convention : {"signxai", "zennit"}) {
    for (const char* method :
         {"lrp_z", "lrp_epsilon_0_1", "lrp_z_plus", "lrp_gamma", "lrp_alpha_2_beta_1", "lrp_flat",
          "lrp_w_square", "lrp_z_plus_fast", "lrpsign_epsilon_0_1", "zblrp_z:low=-2,high=2", "deep_taylor"}) {
      INFO(convention << " " << method);
      const auto map = [&](const Graph& net) {
        return explain_together(*backend, net, {method}, kX, target_index({1, 2}), convention)[0];
      };
      CHECK(difference(map(graph), map(expected)) < kRounding);
    }
  }
}

TEST_CASE("rules see alpha W and beta b of a Gemm, also where the factors are negative") {
  const Attributes factors{{"alpha", kFactor}, {"beta", kBiasFactor}};
  check_equal(net([&](GraphBuilder& g, ValueId x) {
                return g.node("Gemm", {x, g.constant(kW), g.constant(kB)}, factors);
              }),
              plain(true));
  Attributes swapped = factors;
  swapped["transB"] = int64_t{1};
  check_equal(net([&](GraphBuilder& g, ValueId x) {
                return g.node("Gemm", {x, g.constant(transposed(kW)), g.constant(kB)}, swapped);
              }),
              plain(true));
}

TEST_CASE("rules see the factor of a fused product in its weight") {
  const auto fused = [](const char* op, bool turn) {
    return net([&](GraphBuilder& g, ValueId x) {
      g.set_domain("com.microsoft");
      g.set_opset(1);
      const ValueId w = g.constant(turn ? transposed(kW) : kW);
      return g.node(op, {x, w}, {{"alpha", kFactor}, {"transB", int64_t{turn}}});
    });
  };
  check_equal(fused("FusedMatMul", false), plain(false));
  check_equal(fused("FusedMatMul", true), plain(false));
  check_equal(fused("TransposeMatMul", true), plain(false));
  check_equal(net([](GraphBuilder& g, ValueId x) {
                g.set_domain("com.microsoft");
                g.set_opset(1);
                return g.node(
                    "FusedGemm", {x, g.constant(kW), g.constant(kB)},
                    {{"alpha", kFactor}, {"beta", kBiasFactor}, {"activation", std::string("Relu")}});
              }),
              plain(true));
}

TEST_CASE("a weight on the left is scaled like one on the right") {
  const auto left = [](double factor, double in_weight) {
    GraphBuilder g;
    const ValueId x = g.input("x", {4, 2});
    const ValueId y = g.relu(
        g.node("Gemm", {g.constant(scaled(kW, in_weight)), x}, {{"alpha", factor}, {"transA", int64_t{1}}}));
    return g.build({g.node("MatMul", {g.node("Transpose", {y}), g.constant(hashed({5, 3}, 4))})});
  };
  for (const char* method : {"lrp_z_plus", "lrp_gamma", "lrp_alpha_2_beta_1"}) {
    const auto map = [&](const Graph& graph) {
      return explain_results(graph, method, {hashed({4, 2}, 1)}, target_index({1, 2}))
          .at("attribution:0:0:0");
    };
    CHECK(difference(map(left(kFactor, 1)), map(left(1, kFactor))) < kRounding);
  }
}

}  // namespace
}  // namespace onnxray::test
