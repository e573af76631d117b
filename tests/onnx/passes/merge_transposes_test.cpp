#include "onnx/passes/constants.h"
#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

const Attributes kToLast = {{"perm", std::vector<int64_t>{0, 2, 3, 1}}};
const Attributes kToFirst = {{"perm", std::vector<int64_t>{0, 3, 1, 2}}};

}  // namespace

TEST_CASE("a constant is transposed as by Transpose", "[onnx][pass]") {
  const Tensor t = Tensor::of<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(transposed(t, {1, 0}).to_int64s() == std::vector<int64_t>{1, 4, 2, 5, 3, 6});
  CHECK(transposed(t, {1, 0}).shape() == Shape{3, 2});
}

TEST_CASE("two transposes become one, or none", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  const ValueId r = g.node("Relu", 14, {x});
  const ValueId a = g.node("Transpose", 13, {g.node("Transpose", 13, {r}, kToLast)}, kToFirst);
  const ValueId b = g.node("Transpose", 13, {g.node("Transpose", 13, {r}, kToLast)}, kToLast);
  const Graph before = g.finish({a, b}), changed = after(merge_transposes, before);
  CHECK(changed.to_text() ==
        "Transpose2:f32[2,3,4,5] = Relu(x)\nTranspose4:f32[2,5,3,4] = Transpose(Transpose2) perm=[0, 3, 1, "
        "2]\n");
  check_equal_results(before, changed);
}

TEST_CASE("a shuffle around channels-last arithmetic vanishes", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 4});
  ValueId v = g.node("MaxPool", 12, {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  v = g.node("Transpose", 13, {v}, kToLast);
  v = g.node("Mul", 14, {v, g.constant({3}, {1, 2, 3})});
  v = g.node("Add", 14, {g.weights({3, 3, 3}), v});
  v = g.node("LeakyRelu", 16, {v});
  v = g.node("PRelu", 16, {v, g.constant({1, 1, 3}, {0.1, 0.2, 0.3})});
  v = g.node("Pad", 13, {v, g.ints({0, 1, 2, 0, 0, 0, 1, 0})});
  v = g.node("Concat", 13, {v, v}, {{"axis", int64_t{3}}});
  v = g.node("ReduceMax", 13, {v}, {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}});
  v = g.node("Transpose", 13, {v}, kToFirst);
  v = g.node("GlobalAveragePool", 1, {v});
  const Graph before = g.finish({v}), changed = after(merge_transposes, before);
  CHECK(ops_of(changed) == "MaxPool Mul Add LeakyRelu PRelu Pad Concat ReduceMax GlobalAveragePool");
  check_equal_results(before, changed);
}

TEST_CASE("a residual block in channels-last keeps no transpose inside", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 5, 5, 2});
  const ValueId first = g.node("Transpose", 13, {x}, kToFirst);
  const ValueId stem =
      g.node("Transpose", 13, {g.node("Conv", 11, {first, g.weights({2, 2, 1, 1})})}, kToLast);
  const ValueId inner = g.node("Transpose", 13, {g.node("Relu", 14, {stem})}, kToFirst);
  const ValueId branch =
      g.node("Transpose", 13, {g.node("Conv", 11, {inner, g.weights({2, 2, 1, 1})})}, kToLast);
  const ValueId sum = g.node("Add", 14, {stem, branch});
  const ValueId mean =
      g.node("ReduceMean", 13, {sum}, {{"axes", std::vector<int64_t>{1, 2}}, {"keepdims", int64_t{0}}});
  const Graph before = g.finish({mean}), changed = after(merge_transposes, before);
  CHECK(ops_of(changed) == "Transpose Conv Relu Conv Add ReduceMean");
  check_equal_results(before, changed);
}

TEST_CASE("a reduction that drops axes leaves the order of the others", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 5});
  const ValueId t = g.node("Transpose", 13, {x}, {{"perm", std::vector<int64_t>{3, 1, 0, 2}}});
  const ValueId s = g.node("ReduceSum", 13, {t, g.ints({1})}, {{"keepdims", int64_t{0}}});
  const Graph before = g.finish({s}), changed = after(merge_transposes, before);
  CHECK(ops_of(changed) == "ReduceSum Transpose");
  check_equal_results(before, changed);
}

TEST_CASE("a transpose stays above what it cannot pass", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 5}), y = g.input("y", {2, 4, 5, 3});
  const ValueId t = g.node("Transpose", 13, {x}, kToLast);
  const Graph before = g.finish({g.node("Add", 14, {t, y})});
  CHECK(ops_of(after(merge_transposes, before)) == "Transpose Add");
}

TEST_CASE("a transpose with several readers is not copied into all of them", "[onnx][pass]") {
  GraphMaker g;
  const ValueId t = g.node("Transpose", 13, {g.input("x", {2, 3, 4, 5})}, kToLast);
  const Graph before = g.finish({g.node("Relu", 14, {t}), g.node("Exp", 13, {t})});
  CHECK(ops_of(after(merge_transposes, before)) == "Transpose Relu Exp");
}
