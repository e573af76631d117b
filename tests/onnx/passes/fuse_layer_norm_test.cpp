#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

ValueId mean(GraphMaker& g, ValueId x) {
  return g.node("ReduceMean", 13, {x}, {{"axes", std::vector<int64_t>{-1}}, {"keepdims", int64_t{1}}});
}

/// sqrt(v + 1e-5)
ValueId deviation(GraphMaker& g, ValueId v) {
  return g.node("Sqrt", 13, {g.node("Add", 14, {v, g.scalar(1e-5)})});
}

}  // namespace

TEST_CASE("a layer normalisation written out is found, with its scale and bias", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3, 4})});
  const ValueId d = g.node("Sub", 14, {x, mean(g, x)});
  const ValueId variance = mean(g, g.node("Pow", 15, {d, g.scalar(2)}));
  const ValueId n = g.node("Div", 14, {d, deviation(g, variance)});
  const ValueId y =
      g.node("Add", 14,
             {g.node("Mul", 14, {g.constant({4}, {1, 2, 3, 4}), n}), g.constant({1, 1, 4}, {5, 6, 7, 8})});
  const Graph before = g.finish({y}), changed = after(fuse_layer_norm, before);
  REQUIRE(ops_of(changed) == "Relu LayerNormalization");
  CHECK(changed.nodes[1].inputs.size() == 3);
  for (size_t i = 1; i < before.nodes.size(); ++i) CHECK(resolves(changed, before.nodes[i].origin.names[0]));
  check_equal_results(before, changed);
}

TEST_CASE("a layer normalisation with two differences and a reciprocal is found", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3, 4})});
  const ValueId m = mean(g, x);
  const ValueId d = g.node("Sub", 14, {x, m}), again = g.node("Sub", 14, {x, m});
  const ValueId inverse = g.node("Reciprocal", 13, {deviation(g, mean(g, g.node("Mul", 14, {d, d})))});
  const Graph before = g.finish({g.node("Mul", 14, {inverse, again})}),
              changed = after(fuse_layer_norm, before);
  CHECK(ops_of(changed) == "Relu LayerNormalization");
  check_equal_results(before, changed);
}

TEST_CASE("a normalisation over the first axes is no layer normalisation", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3, 4})});
  const auto first = [&](ValueId v) {
    return g.node("ReduceMean", 13, {v}, {{"axes", std::vector<int64_t>{1}}});
  };
  const ValueId d = g.node("Sub", 14, {x, first(x)});
  const Graph before = g.finish({g.node("Div", 14, {d, deviation(g, first(g.node("Mul", 14, {d, d})))})});
  CHECK(ops_of(after(fuse_layer_norm, before)) == ops_of(before));
}
