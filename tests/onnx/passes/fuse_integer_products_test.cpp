#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {
namespace {

struct Dynamic {
  ValueId q, scale, zero;
};

Dynamic dynamic_quantize(GraphMaker& g, ValueId x) {
  const ValueId q = g.node("DynamicQuantizeLinear", 11, {x});
  g.graph.nodes.back().outputs.push_back(g.graph.add_value("scale"));
  g.graph.nodes.back().outputs.push_back(g.graph.add_value("zero"));
  return {q, q + 1, q + 2};
}

ValueId as_real(GraphMaker& g, ValueId x) { return g.node("Cast", 13, {x}, {{"to", int64_t{1}}}); }

/// x -> DynamicQuantizeLinear -> MatMulInteger or ConvInteger -> Cast -> Mul by both scales
Graph dynamic_product(bool convolution, const std::vector<double>& weight_scale, bool swapped = false) {
  GraphMaker g;
  const ValueId x = g.input("x", convolution ? Shape{1, 2, 6} : Shape{3, 4});
  const std::vector<double> steps{9, 1, 0, 5, 2, 8, 3, 7, 4, 6, 5, 1};
  const ValueId w = g.constant(convolution ? Shape{2, 2, 3} : Shape{4, 3}, steps, DType::u8);
  const Dynamic d = dynamic_quantize(g, x);
  const ValueId product = g.node(convolution ? "ConvInteger" : "MatMulInteger", 10,
                                 {d.q, w, d.zero, g.constant({}, {4}, DType::u8)});
  Shape of_scale;
  if (weight_scale.size() > 1)
    of_scale = convolution ? Shape{static_cast<int64_t>(weight_scale.size()), 1}
                           : Shape{static_cast<int64_t>(weight_scale.size())};
  const ValueId s = g.constant(of_scale, weight_scale);
  const ValueId both = g.node("Mul", 13, swapped ? std::vector{s, d.scale} : std::vector{d.scale, s});
  const ValueId real = as_real(g, product);
  return g.finish({g.node("Mul", 13, swapped ? std::vector{both, real} : std::vector{real, both})});
}

Graph fused(const Graph& before) { return after(fuse_quantisation, after(fuse_integer_products, before)); }

TEST_CASE("a dynamically quantised product with its scales is one product over real weights") {
  for (const bool convolution : {false, true}) {
    const Graph before = dynamic_product(convolution, {0.2}), changed = fused(before);
    CHECK(ops_of(changed) == (convolution ? "RoundToGrid Conv" : "RoundToGrid MatMul"));
    CHECK(changed.constant(changed.nodes[1].inputs[1]) != nullptr);
    CHECK(resolves(changed, convolution ? "ConvInteger1" : "MatMulInteger1"));
    check_equal_results(before, changed);
  }
}

TEST_CASE("a bias that was made integer by the scales of the product is the layer's, on their grid") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2, 6});
  const ValueId w = g.constant({2, 2, 3}, {9, 1, 0, 5, 2, 8, 3, 7, 4, 6, 5, 1}, DType::u8);
  const Dynamic d = dynamic_quantize(g, x);
  const ValueId s = g.scalar(0.2), bias = g.constant({2}, {0.7, -1.3});
  const auto cast = [&](ValueId v, int64_t to) { return g.node("Cast", 13, {v}, {{"to", to}}); };
  const ValueId steps = g.node("Floor", 13, {g.node("Div", 13, {bias, g.node("Mul", 13, {d.scale, s})})});
  const ValueId spread = g.node("Reshape", 13, {cast(steps, 6), g.constant({3}, {1, 2, 1}, DType::i64)});
  const ValueId product = g.node("ConvInteger", 10, {d.q, w, d.zero, g.constant({}, {4}, DType::u8)});
  const ValueId real = as_real(g, g.node("Add", 13, {product, spread}));
  const Graph before = g.finish({g.node("Mul", 13, {real, g.node("Mul", 13, {d.scale, s})})});
  const Graph changed = after(moving_bias_to_add, fused(before));
  CHECK(ops_of(changed).ends_with("Conv"));
  CHECK(ops_of(changed).find("Integer") == std::string::npos);
  check_equal_results(before, changed);
}

TEST_CASE("a weight may have a scale for each column or filter, and factors any order") {
  const Graph columns = dynamic_product(false, {0.2, 0.3, 0.5}, true);
  CHECK(ops_of(fused(columns)) == "RoundToGrid MatMul");
  check_equal_results(columns, fused(columns));
  const Graph filters = dynamic_product(true, {0.2, 0.3});
  CHECK(ops_of(fused(filters)) == "RoundToGrid Conv");
  check_equal_results(filters, fused(filters));
}

TEST_CASE("one constant may hold the scales of a fixed grid and of the weight") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 3}), zero = g.constant({}, {100}, DType::u8);
  const ValueId q = g.node("QuantizeLinear", 13, {x, g.scalar(0.25), zero});
  const ValueId w = g.constant({3, 2}, {9, -1, 0, 5, -2, 8}, DType::i8);
  const ValueId real = as_real(g, g.node("MatMulInteger", 10, {q, w, zero}));
  const Graph before = g.finish({g.node("Mul", 13, {real, g.constant({2}, {0.05, 0.1})})});
  const Graph changed = fused(before);
  CHECK(ops_of(changed) == "RoundToGrid MatMul");
  CHECK(changed.constant(changed.nodes[1].inputs[1])->as_double(0) == Approx(9 * 0.05 / 0.25));
  check_equal_results(before, changed);
}

TEST_CASE("a product of two dynamically quantised activations is one of two grids") {
  GraphMaker g;
  const Dynamic a = dynamic_quantize(g, g.input("a", {2, 3})), b = dynamic_quantize(g, g.input("b", {3, 2}));
  const ValueId product = as_real(g, g.node("MatMulInteger", 10, {a.q, b.q, a.zero, b.zero}));
  const Graph before = g.finish({g.node("Mul", 13, {product, g.node("Mul", 13, {b.scale, a.scale})})});
  const Graph changed = fused(before);
  CHECK(ops_of(changed) == "RoundToGrid RoundToGrid MatMul");
  check_equal_results(before, changed);
}

TEST_CASE("another factor than the scales stays a factor") {
  GraphMaker g;
  const Dynamic d = dynamic_quantize(g, g.input("x", {2, 3}));
  const ValueId w = g.constant({3, 2}, {9, 1, 0, 5, 2, 8}, DType::u8);
  const ValueId product = as_real(g, g.node("MatMulInteger", 10, {d.q, w, d.zero}));
  const Graph before = g.finish({g.node("Mul", 13, {product, g.input("f", {2, 2})})});
  CHECK(ops_of(after(fuse_integer_products, before)) == "DynamicQuantizeLinear MatMulInteger Cast Mul");
  check_equal_results(before, fused(before));
}

}  // namespace
}  // namespace onnxray
