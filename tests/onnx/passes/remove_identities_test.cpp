#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("nodes that hand their input on disappear and their names resolve to its producer",
          "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3});
  ValueId v = g.node("Relu", 14, {x});
  v = g.node("Identity", 16, {v});
  v = g.node("Dropout", 13, {v});
  v = g.node("Cast", 13, {v}, {{"to", int64_t{1}}});
  v = g.node("Reshape", 13, {v, g.ints({2, 3})});
  v = g.node("Transpose", 13, {v}, {{"perm", std::vector<int64_t>{0, 1}}});
  v = g.node("Add", 14, {g.constant({1, 3}, {0, 0, 0}), v});
  v = g.node("Mul", 14, {v, g.scalar(1)});
  v = g.node("Pad", 13, {v, g.ints({0, 0, 0, 0})});
  v = g.node("Expand", 13, {v, g.ints({2, 3})});
  v = g.node("Sigmoid", 13, {v});
  const Graph before = g.finish({v}), changed = after(remove_identities, before);
  CHECK(changed.to_text() == "Relu0:f32[2,3] = Relu(x)\nSigmoid10:f32[2,3] = Sigmoid(Relu0)\n");
  CHECK(resolves(changed, "Identity1"));
  CHECK(resolves(changed, "Pad8"));
  check_equal_results(before, changed);
}

TEST_CASE("an identity that writes a graph output leaves the output its name", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {3});
  const ValueId r = g.node("Relu", 14, {x});
  const ValueId y = g.node("Identity", 16, {r}), z = g.node("Exp", 13, {r});
  const Graph before = g.finish({y, z}), changed = after(remove_identities, before);
  CHECK(changed.to_text() == "Identity1:f32[3] = Relu(x)\nExp2:f32[3] = Exp(Identity1)\n");
  check_equal_results(before, changed);
}

TEST_CASE("an identity stays where both of its ends are the model's own", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {3});
  const Graph from_input = g.finish({g.node("Identity", 16, {x})});
  CHECK(ops_of(after(remove_identities, from_input)) == "Identity");

  GraphMaker h;
  const ValueId r = h.node("Relu", 14, {h.input("x", {3})});
  const Graph twice = h.finish({r, h.node("Identity", 16, {r})});
  CHECK(ops_of(after(remove_identities, twice)) == "Relu Identity");
}

TEST_CASE("what looks like an identity by its shape alone stays", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {3, 3});
  const ValueId a = g.node("Transpose", 13, {x}, {{"perm", std::vector<int64_t>{1, 0}}});
  const ValueId b = g.node("Slice", 13, {a, g.ints({-1}), g.ints({-100}), g.ints({0}), g.ints({-1})});
  const ValueId c = g.node("Pad", 13, {b, g.ints({1, 0, -1, 0})});
  const ValueId d = g.node("Sub", 14, {g.scalar(0), c});
  const Graph before = g.finish({d});
  CHECK(ops_of(after(remove_identities, before)) == "Transpose Slice Pad Sub");
}

TEST_CASE("adding a zero that widens the shape is no identity", "[onnx][pass]") {
  GraphMaker g;
  const Graph before = g.finish({g.node("Add", 14, {g.input("x", {1, 2}), g.constant({2, 1}, {0, 0})})});
  CHECK(ops_of(after(remove_identities, before)) == "Add");
}
