#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a chain of reshapes becomes one", "[onnx][pass]") {
  GraphMaker g;
  ValueId v = g.node("Relu", 14, {g.input("x", {2, 3, 1, 1})});
  v = g.node("Squeeze", 13, {v, g.ints({2, 3})});
  v = g.node("Unsqueeze", 13, {v, g.ints({0})});
  v = g.node("Flatten", 13, {v}, {{"axis", int64_t{2}}});
  v = g.node("Reshape", 13, {v, g.ints({3, 2})});
  const Graph before = g.finish({v}), changed = after(merge_reshapes, before);
  CHECK(changed.to_text() ==
        "Relu0:f32[2,3,1,1] = Relu(x)\nReshape4:f32[3,2] = Reshape(Relu0, Reshape4/shape)\n");
  CHECK(resolves(changed, "Squeeze1"));
  check_equal_results(before, changed);
}

TEST_CASE("a transpose that moves only axes of extent one is a reshape", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 1, 1});
  const Graph before = g.finish({g.node("Transpose", 13, {x}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}})});
  const Graph changed = after(merge_reshapes, before);
  CHECK(ops_of(changed) == "Reshape");
  check_equal_results(before, changed);
}

TEST_CASE("a reshape that others read stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId a = g.node("Flatten", 13, {g.input("x", {2, 3, 4})});
  const Graph before = g.finish({g.node("Reshape", 13, {a, g.ints({4, 6})}), g.node("Relu", 14, {a})});
  CHECK(ops_of(after(merge_reshapes, before)) == "Flatten Reshape Relu");
}
