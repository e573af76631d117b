#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("x times the tanh of its softplus is Mish", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId gate = g.node("Tanh", 13, {g.node("Softplus", 1, {x})});
  const Graph before = g.finish({g.node("Mul", 14, {x, gate})}), changed = after(fuse_mish, before);
  CHECK(ops_of(changed) == "Relu Mish");
  CHECK(resolves(changed, "Tanh2"));
  check_equal_results(before, changed);
}

TEST_CASE("the tanh of another value's softplus stays a gate", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const ValueId gate = g.node("Tanh", 13, {g.node("Softplus", 1, {g.node("Exp", 13, {x})})});
  CHECK(ops_of(after(fuse_mish, g.finish({g.node("Mul", 14, {x, gate})}))) == "Relu Exp Softplus Tanh Mul");
}
