#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

/// sqrt(mean(square) + 1e-6) over the last axis
ValueId root_mean_square(GraphMaker& g, ValueId square) {
  const ValueId mean = g.node("ReduceMean", 13, {square}, {{"axes", std::vector<int64_t>{-1}}});
  return g.node("Sqrt", 13, {g.node("Add", 14, {mean, g.scalar(1e-6)})});
}

}  // namespace

TEST_CASE("a root mean square normalisation written out is found, with its scale", "[onnx][pass]") {
  for (const char* inverse : {"Reciprocal", "Div"}) {
    INFO(inverse);
    GraphMaker g;
    const ValueId x = g.node("Exp", 13, {g.input("x", {2, 3, 4})});
    const ValueId s = root_mean_square(g, g.node("Pow", 15, {x, g.scalar(2)}));
    const ValueId i =
        inverse == std::string("Div") ? g.node("Div", 14, {g.scalar(1), s}) : g.node("Reciprocal", 13, {s});
    const ValueId y = g.node("Mul", 14, {g.constant({4}, {1, 2, 3, 4}), g.node("Mul", 14, {x, i})});
    const Graph before = g.finish({y}), changed = after(fuse_rms_norm, before);
    REQUIRE(ops_of(changed) == "Exp RMSNormalization");
    CHECK(float_attribute(changed.nodes[1], "epsilon", 0) == Approx(1e-6));
    check_equal_results(before, changed);
  }
}

TEST_CASE("a quotient by the root mean square of itself is found, of another value not", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Exp", 13, {g.input("x", {2, 4})});
  const ValueId own = g.node("Div", 14, {x, root_mean_square(g, g.node("Mul", 14, {x, x}))});
  const Graph before = g.finish({own}), changed = after(fuse_rms_norm, before);
  CHECK(ops_of(changed) == "Exp RMSNormalization");
  check_equal_results(before, changed);

  GraphMaker h;
  const ValueId a = h.node("Exp", 13, {h.input("x", {2, 4})}), b = h.node("Tanh", 13, {a});
  const Graph other = h.finish({h.node("Div", 14, {a, root_mean_square(h, h.node("Mul", 14, {b, b}))})});
  CHECK(ops_of(after(fuse_rms_norm, other)) == ops_of(other));
}
