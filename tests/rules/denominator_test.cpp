#include <cmath>

#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

TEST_CASE("relevance over a sum that is all but zero is dropped, not infinite") {
  // x sigmoid(x) at -705 is -5e-304, so that the pool's output is a denominator which 5e7 cannot be divided
  // by in double; float32 meets the same at -90, where SiLU nets are.
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 2, 2});
  const ValueId silu = g.node("Mul", {x, g.node("Sigmoid", {x})});
  const ValueId flat = g.flatten(g.node("GlobalAveragePool", {silu}));
  const Tensor bias = Tensor::of<double>({2}, std::vector<double>{1e8, 0});
  const Graph graph = g.build({g.dense(flat, g.constant(hashed({2, 2}, 3)), g.constant(bias))});
  const Tensor deep = Tensor::of<double>({1, 2, 2, 2}, std::vector<double>(8, -705));
  for (const char* method : {"lrp_z", "lrp_flat", "lrp_w_square", "lrp_alpha_1_beta_0"}) {
    INFO(method);
    CHECK(std::isfinite(sum(explain(graph, method, deep, 0))));
  }
}

}  // namespace
}  // namespace onnxray::test
