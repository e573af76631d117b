#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {
namespace {

ValueId on_grid(GraphMaker& g, ValueId x, double zero) {
  const ValueId scale = g.scalar(0.05), z = g.constant({}, {zero}, DType::u8);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, z});
  return g.node("DequantizeLinear", 13, {q, scale, z});
}

ValueId layer(GraphMaker& g) { return g.node("Conv", 11, {g.input("x", {1, 2, 9}), g.weights({3, 2, 3})}); }

ValueId batch_norm(GraphMaker& g, ValueId x) {
  return g.node(
      "BatchNormalization", 15,
      {x, g.constant({3}, {0.5, -2, 3}), g.weights({3}), g.weights({3}), g.constant({3}, {0.3, 1, 4})});
}

Graph with_grids(GraphMaker& g, ValueId y) { return after(fuse_quantisation, g.finish({y})); }

TEST_CASE("a grid moves behind the BatchNormalization of a layer, which then folds") {
  GraphMaker g;
  const Graph before = with_grids(g, batch_norm(g, on_grid(g, layer(g), 128)));
  const Graph changed = after(sink_grids, before);
  CHECK(ops_of(changed) == "Conv BatchNormalization RoundToGrid");
  check_equal_results(before, changed);
  const Graph folded = after(fold_batchnorm, changed);
  CHECK(ops_of(folded) == "Conv RoundToGrid");
  check_equal_results(before, folded);
  CHECK(resolves(folded, "BatchNormalization3"));
  CHECK(resolves(folded, "QuantizeLinear1"));
}

TEST_CASE("a grid moves behind constants that are added or multiplied, one after the other") {
  GraphMaker g;
  ValueId y = g.node("MatMul", 13, {g.input("x", {2, 3, 4}), g.weights({4, 5})});
  y = g.node("Add", 13, {on_grid(g, y, 100), g.weights({5})});
  y = g.node("Sub", 13, {g.weights({1, 1, 5}), y});
  y = g.node("Mul", 13, {y, g.scalar(-0.5)});
  y = g.node("Div", 13, {y, g.constant({5}, {1, 2, -3, 4, 5})});
  const Graph before = with_grids(g, g.node("Sub", 13, {y, g.scalar(7)}));
  // Only what reads the layer's own grid moves, until constants fold into the layer.
  const Graph changed = after(sink_grids, before);
  CHECK(ops_of(changed) == "MatMul Add RoundToGrid Sub Mul Div Sub");
  check_equal_results(before, changed);
  const Graph folded = after(sink_grids, after(matmul_add_to_bias, changed));
  CHECK(ops_of(folded) == "MatMul Sub RoundToGrid Mul Div Sub");
  check_equal_results(before, folded);
}

TEST_CASE("a grid that holds 0 moves behind a rectifier") {
  GraphMaker g;
  const Graph before = with_grids(g, g.node("Relu", 14, {on_grid(g, layer(g), 128)}));
  const Graph changed = after(sink_grids, before);
  CHECK(ops_of(changed) == "Conv Relu RoundToGrid");
  check_equal_results(before, changed);
}

TEST_CASE("a pool picks its winners before they are rounded") {
  GraphMaker g;
  const ValueId x = g.node("Sigmoid", 13, {g.input("x", {1, 3, 6})});
  const ValueId y = g.node("MaxPool", 12, {on_grid(g, x, 0)}, {{"kernel_shape", std::vector<int64_t>{2}}});
  const Graph before = with_grids(g, y), changed = after(sink_grids, before);
  CHECK(ops_of(changed) == "Sigmoid MaxPool Saturate RoundToGrid");
  check_equal_results(before, changed);
}

TEST_CASE("a grid stays before what varies along another axis, is 0, or is no constant") {
  const auto stays = [](auto make) {
    GraphMaker g;
    const Graph before = with_grids(g, make(g, on_grid(g, layer(g), 128)));
    CHECK(ops_of(after(sink_grids, before)) == ops_of(before));
  };
  stays([](GraphMaker& g, ValueId x) { return g.node("Mul", 13, {x, g.weights({7})}); });
  stays([](GraphMaker& g, ValueId x) { return g.node("Mul", 13, {x, g.constant({3, 1}, {1, 0, 2})}); });
  stays([](GraphMaker& g, ValueId x) { return g.node("Add", 13, {x, g.input("c", {1})}); });
  stays([](GraphMaker& g, ValueId x) { return g.node("Sigmoid", 13, {x}); });
}

TEST_CASE("BatchNormalization that is a node of its own keeps the grid before it") {
  GraphMaker g;
  const Graph before = with_grids(g, batch_norm(g, on_grid(g, layer(g), 128)));
  const PassOptions kept{.fold_batchnorm = false};
  CHECK(ops_of(after(sink_grids, before, kept)) == "Conv RoundToGrid BatchNormalization");
}

}  // namespace
}  // namespace onnxray
