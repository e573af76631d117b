#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a bias that is computed is an Add behind the product", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3}), b = g.input("b", {4});
  const ValueId gemm = g.node("Gemm", 13, {x, g.weights({3, 4}), b}, {{"beta", -2.0}});
  const ValueId image = g.input("image", {1, 2, 4, 4}), c = g.input("c", {4});
  const ValueId conv = g.node("Conv", 11, {image, g.weights({4, 2, 3, 3}), c});
  const ValueId up = g.node("ConvTranspose", 11, {image, g.weights({2, 4, 2, 2}), c});
  const Graph before = g.finish({gemm, conv, up}), changed = after(moving_bias_to_add, before);
  CHECK(ops_of(changed) == "Gemm Mul Add Conv Reshape Add ConvTranspose Reshape Add");
  for (const Node& node : changed.nodes) {
    if (node.op == "Gemm" || node.op.starts_with("Conv")) CHECK(node.inputs.size() == 2);
  }
  CHECK(resolves(changed, "Gemm0"));
  CHECK(resolves(changed, "Gemm0/bias"));
  check_equal_results(before, changed);
}

TEST_CASE("a constant bias stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {3, 3}), y = g.input("y", {3, 3});
  const ValueId dense = g.node("Gemm", 13, {x, g.weights({3, 3}), g.weights({3})});
  const Graph before = g.finish({g.node("Gemm", 13, {dense, y, g.weights({3})})});
  CHECK(ops_of(after(moving_bias_to_add, before)) == ops_of(before));
}
