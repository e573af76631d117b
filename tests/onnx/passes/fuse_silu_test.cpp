#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("x times its sigmoid is Swish", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const Graph before = g.finish({g.node("Mul", 14, {g.node("Sigmoid", 13, {x}), x})}),
              changed = after(fuse_silu, before);
  CHECK(ops_of(changed) == "Relu Swish");
  CHECK(resolves(changed, "Sigmoid1"));
  check_equal_results(before, changed);
}

TEST_CASE("x times the sigmoid of a multiple of x is Swish with alpha", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId gate = g.node("Sigmoid", 13, {g.node("Mul", 14, {x, g.scalar(1.702)})});
  const Graph before = g.finish({g.node("Mul", 14, {x, gate})}), changed = after(fuse_silu, before);
  REQUIRE(ops_of(changed) == "Relu Swish");
  CHECK(float_attribute(changed.nodes[1], "alpha", 1) == Approx(1.702));
  check_equal_results(before, changed);
}

TEST_CASE("a gate on another value stays a Mul", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const Graph before = g.finish({g.node("Mul", 14, {g.node("Sigmoid", 13, {g.node("Exp", 13, {x})}), x})});
  CHECK(ops_of(after(fuse_silu, before)) == "Relu Exp Sigmoid Mul");
}
