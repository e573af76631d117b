#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {
namespace {

ValueId on_grid(GraphMaker& g, ValueId x, double zero, double step = 0.05) {
  const ValueId scale = g.scalar(step), z = g.constant({}, {zero}, DType::u8);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, z});
  return g.node("DequantizeLinear", 13, {q, scale, z});
}

Graph rectified(GraphMaker& g, ValueId y) {
  return after(rectify_grids, after(fuse_quantisation, g.finish({y})));
}

TEST_CASE("a grid that starts at 0 behind a layer is a rectifier and a grid") {
  GraphMaker g;
  const ValueId conv = g.node("Conv", 11, {g.input("x", {1, 2, 5}), g.weights({3, 2, 3})});
  const Graph before = g.finish({on_grid(g, conv, 0)}), changed = rectified(g, before.outputs[0]);
  CHECK(ops_of(changed) == "Conv Relu RoundToGrid");
  check_equal_results(before, changed);
}

TEST_CASE("a grid from 0 to 6 behind a layer is a Relu6 and a grid") {
  GraphMaker g;
  const ValueId conv = g.node("Conv", 11, {g.input("x", {1, 2, 5}), g.weights({3, 2, 3})});
  const Graph before = g.finish({on_grid(g, conv, 0, 6.0 / 255)}), changed = rectified(g, before.outputs[0]);
  CHECK(ops_of(changed) == "Conv Clip RoundToGrid");
  check_equal_results(before, changed);
}

TEST_CASE("pools between the layer and its rectifier do not hide it") {
  GraphMaker g;
  const ValueId conv = g.node("Conv", 11, {g.input("x", {1, 2, 6}), g.weights({3, 2, 3})});
  const ValueId pool = g.node("MaxPool", 12, {conv}, {{"kernel_shape", std::vector<int64_t>{2}}});
  CHECK(ops_of(rectified(g, on_grid(g, pool, 0))) == "Conv MaxPool Relu RoundToGrid");
}

TEST_CASE("a grid that holds negative values is no rectifier, nor one over what cannot be negative") {
  GraphMaker signed_values;
  const ValueId x = signed_values.input("x", {1, 2, 5});
  const ValueId conv = signed_values.node("Conv", 11, {x, signed_values.weights({3, 2, 3})});
  CHECK(ops_of(rectified(signed_values, on_grid(signed_values, conv, 128))) == "Conv RoundToGrid");
  GraphMaker image;
  CHECK(ops_of(rectified(image, on_grid(image, image.input("x", {1, 2, 5}), 0))) == "Saturate RoundToGrid");
  GraphMaker sigmoid;
  const ValueId s = sigmoid.node("Sigmoid", 13, {sigmoid.input("x", {4})});
  CHECK(ops_of(rectified(sigmoid, on_grid(sigmoid, s, 0))) == "Sigmoid Saturate RoundToGrid");
}

}  // namespace
}  // namespace onnxray
