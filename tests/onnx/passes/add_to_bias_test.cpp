#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("a constant per channel added after a linear node becomes its bias", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 5, 5});
  ValueId v = g.node("Add", 14, {g.node("Conv", 11, {x, g.weights({4, 3, 3, 3})}), g.weights({1, 4, 1, 1})});
  v = g.node("Add", 14, {g.weights({2, 1, 1}), g.node("ConvTranspose", 11, {v, g.weights({4, 2, 2, 2})})});
  v = g.node("Flatten", 13, {v});
  v = g.node("Add", 14, {g.node("Gemm", 13, {v, g.weights({32, 3})}), g.scalar(2)});
  const Graph before = g.finish({v}), changed = after(add_to_bias, before);
  CHECK(ops_of(changed) == "Conv ConvTranspose Flatten Gemm");
  check_equal_results(before, changed);
}

TEST_CASE("a constant per channel behind a Squeeze becomes the bias in front of it", "[onnx][pass]") {
  // What TensorFlow's Conv1D becomes: a convolution over one row.
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 1, 8});
  const ValueId y = g.node("Conv", 11, {x, g.weights({4, 3, 1, 3})});
  const ValueId flat = g.node("Squeeze", 11, {y}, {{"axes", std::vector<int64_t>{2}}});
  const Graph before = g.finish({g.node("Relu", 14, {g.node("Add", 14, {flat, g.weights({1, 4, 1})})})});
  const Graph changed = after(add_to_bias, before);
  CHECK(ops_of(changed) == "Conv Squeeze Relu");
  check_equal_results(before, changed);
}

TEST_CASE("a constant that varies in space, or a second one, stays an Add", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 5, 5});
  const ValueId a =
      g.node("Add", 14, {g.node("Conv", 11, {x, g.weights({4, 3, 3, 3})}), g.weights({1, 4, 3, 1})});
  const ValueId b =
      g.node("Add", 14, {g.node("Conv", 11, {x, g.weights({4, 3, 3, 3}), g.weights({4})}), g.scalar(1)});
  const Graph before = g.finish({a, b});
  CHECK(ops_of(after(add_to_bias, before)) == "Conv Add Conv Add");
}
