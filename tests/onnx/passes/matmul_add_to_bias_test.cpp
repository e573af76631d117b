#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a product of stacked matrices and one constant per unit are one node with a bias",
          "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3, 4})});
  const ValueId right =
      g.node("Add", 14, {g.weights({1, 1, 5}), g.node("MatMul", 13, {x, g.weights({4, 5})})});
  const ValueId left =
      g.node("Add", 14, {g.node("MatMul", 13, {g.weights({6, 3}), right}), g.weights({6, 1})});
  const Graph before = g.finish({left}), changed = after(matmul_add_to_bias, before);
  REQUIRE(ops_of(changed) == "Relu MatMul MatMul");
  CHECK(changed.nodes[1].domain == "onnxray");
  CHECK(changed[changed.nodes[1].inputs[2]].shape == Shape{5});
  CHECK(changed[changed.nodes[2].inputs[2]].shape == Shape{6, 1});
  CHECK(resolves(changed, "MatMul1"));
  check_equal_results(before, changed);
}

TEST_CASE("what is added to a product per place, of other rank or to two activations is no bias",
          "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 3}), one = g.constant({3}, {1, 2, 3});
  const auto product = [&](ValueId w) { return g.node("MatMul", 13, {x, w}); };
  const ValueId a = g.node("Add", 14, {product(g.weights({3, 3})), g.weights({3, 3})});
  const ValueId b = g.node("Add", 14, {product(x), one});
  const ValueId c = g.node("Add", 14, {product(g.weights({3})), g.constant({1}, {2})});
  const ValueId wide = g.node("Add", 14, {product(g.weights({3, 1})), one});
  const ValueId shared = product(g.weights({3, 3}));
  const ValueId d = g.node("Add", 14, {shared, one});
  const Graph before = g.finish({a, b, c, wide, d, shared});
  CHECK(ops_of(after(matmul_add_to_bias, before)) == ops_of(before));
}
