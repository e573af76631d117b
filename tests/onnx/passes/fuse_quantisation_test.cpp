#include "backward/reverse.h"
#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {
namespace {

ValueId zero_point(GraphMaker& g, double value) { return g.constant({}, {value}, DType::u8); }

/// x -> Quantize -> [MaxPool ->] Dequantize -> y
Graph quantised(bool pooled) {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2, 4, 4}), scale = g.scalar(0.1), zero = zero_point(g, 20);
  ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero});
  if (pooled) q = g.node("MaxPool", 12, {q}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  return g.finish({g.node("DequantizeLinear", 13, {q, scale, zero})});
}

TEST_CASE("quantising and dequantising on one grid becomes saturation and rounding of real numbers") {
  const Graph before = quantised(false), changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "Saturate RoundToGrid");
  CHECK(resolves(changed, "QuantizeLinear0"));
  CHECK(resolves(changed, "DequantizeLinear1"));
  check_equal_results(before, changed);
}

TEST_CASE("dequantising moves in front of what only moves data") {
  const Graph before = quantised(true), changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "Saturate RoundToGrid MaxPool");
  check_equal_results(before, changed);
}

TEST_CASE("another scale behind the same grid stays as a factor") {
  GraphMaker g;
  const ValueId x = g.input("x", {5}), zero = zero_point(g, 20);
  const ValueId q = g.node("QuantizeLinear", 13, {x, g.scalar(0.1), zero});
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {q, g.scalar(0.3), zero})});
  const Graph changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "Saturate RoundToGrid Div Mul");
  check_equal_results(before, changed);
}

TEST_CASE("a product of integers that is read as real numbers becomes one of real numbers") {
  GraphMaker g;
  const ValueId x = g.input("x", {3, 4}), w = g.constant({4, 2}, {9, 1, 0, 5, 2, 8, 3, 7}, DType::u8);
  const ValueId scale = g.scalar(0.2), zero = zero_point(g, 15);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero});
  const ValueId product = g.node("MatMulInteger", 10, {q, w, zero, zero_point(g, 4)});
  const Graph before = g.finish({g.node("Cast", 13, {product}, {{"to", int64_t{1}}})});
  const Graph changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed).find("MatMulInteger") == std::string::npos);
  CHECK(ops_of(changed).find("RoundToGrid") != std::string::npos);
  check_equal_results(before, changed);
}

TEST_CASE("another zero point is another number: the pair stays") {
  GraphMaker g;
  const ValueId x = g.input("x", {5}), scale = g.scalar(0.1);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero_point(g, 20)});
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {q, scale, zero_point(g, 21)})});
  CHECK(ops_of(after(fuse_quantisation, before)) == "QuantizeLinear DequantizeLinear");
}

TEST_CASE("the gradient goes straight through the grid, and stops where it saturates") {
  GraphMaker g;
  const ValueId x = g.input("x", {3}), scale = g.scalar(1), zero = zero_point(g, 0);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero});
  const Graph graph = after(fuse_quantisation, g.finish({g.node("DequantizeLinear", 13, {q, scale, zero})}));
  Program program;
  Builder b(program);
  const Var input = b.input("x", {3}, DType::f64);
  const Forward forward = lower_graph(graph, OpRegistry::builtin(), b, std::vector{input});
  ReverseWalk walk(graph, forward, b, {});
  walk.seed(forward.vars[static_cast<size_t>(graph.outputs[0])], b.filled(1, {3}, DType::f64));
  b.output("g", walk.run(std::vector{input})[0]);
  const auto backend = make_reference_backend(true);
  const auto compiled = backend->compile(make_plan(program, backend->plan_options()));
  const Tensor gradient = compiled->run(std::vector{Tensor::of<double>({3}, {-0.7, 3.3, 300})})[0];
  CHECK(gradient.as_double(0) == 0);
  CHECK(gradient.as_double(1) == 1);
  CHECK(gradient.as_double(2) == 0);
}

}  // namespace
}  // namespace onnxray
