#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

ValueId conv(GraphMaker& g, ValueId x, int64_t in, int64_t out) {
  return g.node("Conv", 11, {x, g.weights({out, in, 3, 3}), g.weights({out})},
                {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
}

std::vector<double> parameter(const Graph& graph, size_t node, size_t i) {
  return graph.constant(graph.nodes[node].inputs[i])->to_doubles();
}

void check_fused(GraphMaker& g, ValueId y, const std::string& ops) {
  const Graph before = g.finish({y}), changed = after(fuse_batchnorm, before);
  CHECK(ops_of(changed) == ops);
  check_equal_results(before, changed, 1e-5);
}

}  // namespace

TEST_CASE("products and sums per channel behind a linear node are one BatchNormalization", "[onnx][pass]") {
  GraphMaker g;
  const ValueId z = conv(g, g.input("x", {2, 3, 4, 4}), 3, 5);
  const auto c = [&] { return g.weights({5, 1, 1}); };
  SECTION("Mul, Add") {
    check_fused(g, g.node("Add", 14, {g.node("Mul", 14, {z, c()}), c()}), "Conv BatchNormalization");
  }
  SECTION("Sub, Mul, Mul, Add: what is subtracted first is the mean") {
    const ValueId mean = c(), s = c(), t = c(), bias = c();
    ValueId y = g.node("Mul", 14, {g.node("Sub", 14, {z, mean}), s});
    y = g.node("Add", 14, {bias, g.node("Mul", 14, {t, y})});
    const Graph before = g.finish({y}), changed = after(fuse_batchnorm, before);
    REQUIRE(ops_of(changed) == "Conv BatchNormalization");
    CHECK(parameter(changed, 1, 2) == before.constant(bias)->to_doubles());
    CHECK(parameter(changed, 1, 3) == before.constant(mean)->to_doubles());
    check_equal_results(before, changed, 1e-5);
  }
  SECTION("Div, Sub from a number") {
    check_fused(g, g.node("Sub", 14, {g.scalar(2), g.node("Div", 14, {z, g.scalar(0.5)})}),
                "Conv BatchNormalization");
  }
  SECTION("BatchNormalization and the Scale of Caffe") {
    const ValueId norm = g.node("BatchNormalization", 15,
                                {z, g.constant({5}, {1, 1, 1, 1, 1}), g.constant({5}, {0, 0, 0, 0, 0}),
                                 g.weights({5}), g.constant({5}, {1, 2, 3, 4, 5})});
    check_fused(g, g.node("Add", 14, {g.node("Mul", 14, {norm, c()}), c()}), "Conv BatchNormalization");
  }
}

TEST_CASE("constants per channel inside a net are BatchNormalization, others are not", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3, 4, 4});
  const auto affine = [&](ValueId v, const Shape& shape) {
    return g.node("Add", 14, {g.node("Mul", 14, {v, g.weights(shape)}), g.weights(shape)});
  };
  SECTION("of a pooled map") {
    check_fused(g, affine(g.node("GlobalAveragePool", 1, {g.node("Relu", 14, {x})}), {3, 1, 1}),
                "Relu GlobalAveragePool BatchNormalization");
  }
  SECTION("not of the model's input, which they prepare") { check_fused(g, affine(x, {3, 1, 1}), "Mul Add"); }
  SECTION("not one number for all channels, which may be part of a function") {
    check_fused(g, affine(g.node("Tanh", 13, {x}), {1}), "Tanh Mul Add");
  }
  SECTION("not of a normalisation, whose own they are") {
    const ValueId y =
        g.node("InstanceNormalization", 6, {x, g.constant({3}, {1, 1, 1}), g.constant({3}, {0, 0, 0})});
    check_fused(g, affine(y, {3, 1, 1}), "InstanceNormalization Mul Add");
  }
  SECTION("not along another axis") { check_fused(g, affine(g.node("Relu", 14, {x}), {4}), "Relu Mul Add"); }
  SECTION("not a product alone") {
    check_fused(g, g.node("Mul", 14, {g.node("Relu", 14, {x}), g.weights({3, 1, 1})}), "Relu Mul");
  }
}
