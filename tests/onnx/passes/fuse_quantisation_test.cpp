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

TEST_CASE("quantising and dequantising on one grid becomes rounding of real numbers") {
  const Graph before = quantised(false), changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "RoundToGrid");
  CHECK(resolves(changed, "QuantizeLinear0"));
  CHECK(resolves(changed, "DequantizeLinear1"));
  check_equal_results(before, changed);
}

TEST_CASE("dequantising moves in front of what only moves data") {
  const Graph before = quantised(true), changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "RoundToGrid MaxPool");
  check_equal_results(before, changed);
}

TEST_CASE("another scale behind the same grid stays as a factor") {
  GraphMaker g;
  const ValueId x = g.input("x", {5}), zero = zero_point(g, 20);
  const ValueId q = g.node("QuantizeLinear", 13, {x, g.scalar(0.1), zero});
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {q, g.scalar(0.3), zero})});
  const Graph changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "RoundToGrid Div Mul");
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

TEST_CASE("another zero point behind the same grid stays as a shift") {
  for (const double scale_behind : {0.1, 0.3}) {
    GraphMaker g;
    const ValueId x = g.input("x", {5}), scale = g.scalar(0.1);
    const ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero_point(g, 20)});
    const Graph before =
        g.finish({g.node("DequantizeLinear", 13, {q, g.scalar(scale_behind), zero_point(g, 21)})});
    const Graph changed = after(fuse_quantisation, before);
    CHECK(ops_of(changed) == "RoundToGrid Div Add Sub Mul");
    check_equal_results(before, changed);
  }
}

TEST_CASE("integers are joined, split and padded as the real numbers that they stand for") {
  GraphMaker g;
  const ValueId scale = g.scalar(0.1), zero = zero_point(g, 20);
  const auto quantise = [&](ValueId x) { return g.node("QuantizeLinear", 13, {x, scale, zero}); };
  const ValueId joined = g.node(
      "Concat", 13, {quantise(g.input("x", {2, 3})), quantise(g.input("y", {2, 1}))}, {{"axis", int64_t{1}}});
  const ValueId padded = g.node("Pad", 13, {joined, g.ints({0, 1, 0, 0}), zero});
  const ValueId first = g.node("Split", 13, {padded, g.ints({2, 3})}, {{"axis", int64_t{1}}});
  g.graph.nodes.back().outputs.push_back(g.graph.add_value("second"));
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {first + 1, scale, zero})});
  const Graph changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed).find("QuantizeLinear") == std::string::npos);
  check_equal_results(before, changed);
}

TEST_CASE("margins that do not stand for 0 stay margins of integers") {
  GraphMaker g;
  const ValueId scale = g.scalar(0.1), zero = zero_point(g, 20);
  const ValueId q = g.node("QuantizeLinear", 13, {g.input("x", {3}), scale, zero});
  const ValueId padded = g.node("Pad", 13, {q, g.ints({1, 0}), zero_point(g, 7)});
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {padded, scale, zero})});
  CHECK(ops_of(after(fuse_quantisation, before)) == "QuantizeLinear Pad DequantizeLinear");
}

TEST_CASE("a dynamic grid finds its scale itself") {
  GraphMaker g;
  const ValueId q = g.node("DynamicQuantizeLinear", 11, {g.input("x", {5})});
  for (const char* name : {"scale", "zero"}) g.graph.nodes.back().outputs.push_back(g.graph.add_value(name));
  const Graph before = g.finish({g.node("DequantizeLinear", 13, {q, q + 1, q + 2})});
  const Graph changed = after(fuse_quantisation, before);
  CHECK(ops_of(changed) == "RoundToGrid");
  CHECK(changed.nodes[0].inputs.size() == 1);
  check_equal_results(before, changed);
}

/// d (sum of the graph's output) / dx
std::vector<double> slopes(const Graph& graph, const std::vector<double>& x) {
  const auto n = static_cast<int64_t>(x.size());
  Program program;
  Builder b(program);
  const Var input = b.input("x", {n}, DType::f64);
  const Forward forward = lower_graph(graph, OpRegistry::builtin(), b, std::vector{input});
  ReverseWalk walk(graph, forward, b, {});
  walk.seed(forward.vars[static_cast<size_t>(graph.outputs[0])], b.filled(1, {n}, DType::f64));
  b.output("g", walk.run(std::vector{input})[0]);
  const auto backend = make_reference_backend(true);
  const auto compiled = backend->compile(make_plan(program, backend->plan_options()));
  return compiled->run(std::vector{Tensor::of<double>({n}, x)})[0].to_doubles();
}

Graph of_bytes(double zero, int64_t n) {
  GraphMaker g;
  const ValueId x = g.input("x", {n}), scale = g.scalar(1);
  const ValueId q = g.node("QuantizeLinear", 13, {x, scale, zero_point(g, zero)});
  return after(fuse_quantisation,
               g.finish({g.node("DequantizeLinear", 13, {q, scale, zero_point(g, zero)})}));
}

TEST_CASE("a grid that starts at 0 cuts off what is below with slope 0, and nothing else") {
  const Graph graph = of_bytes(0, 8);
  CHECK(ops_of(graph) == "Saturate RoundToGrid");
  // -0.5 rounds to 0, an even number. A range ends at what the calibration saw: slope 1 beyond.
  CHECK(slopes(graph, {-0.7, -0.5, -0.4, 0, 3.3, 255, 255.6, 300}) ==
        std::vector<double>{0, 1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("the ends of a calibrated range have the slope of what lies between") {
  CHECK(slopes(of_bytes(100, 4), {-300, -100.7, 3.3, 156}) == std::vector<double>{1, 1, 1, 1});
}

}  // namespace
}  // namespace onnxray
