#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a matrix product with constants and its bias are one Gemm", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId z = g.node("MatMul", 13, {x, g.weights({3, 4})});
  const Graph before = g.finish({g.node("Add", 14, {g.weights({1, 4}), z})}),
              changed = after(matmul_add_to_gemm, before);
  REQUIRE(ops_of(changed) == "Relu Gemm");
  CHECK(changed[changed.nodes[1].inputs[2]].shape == Shape{4});
  CHECK(resolves(changed, "MatMul1"));
  check_equal_results(before, changed);
}

TEST_CASE("a product of higher rank, of two activations or with a matrix added stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4}), y = g.input("y", {4, 4}), one = g.constant({4}, {1, 2, 3, 4});
  const ValueId a = g.node("Add", 14, {g.node("MatMul", 13, {x, g.weights({4, 4})}), one});
  const ValueId b = g.node("Add", 14, {g.node("MatMul", 13, {y, y}), one});
  const ValueId c = g.node("Add", 14, {g.node("MatMul", 13, {y, g.weights({4, 4})}), g.weights({4, 4})});
  const Graph before = g.finish({a, b, c});
  CHECK(ops_of(after(matmul_add_to_gemm, before)) == ops_of(before));
}
