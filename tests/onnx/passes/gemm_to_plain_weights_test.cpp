#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

TEST_CASE("alpha and beta of a Gemm go into its weight and its bias", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 3})});
  const Attributes right{{"alpha", -0.5}, {"beta", 2.0}, {"transB", int64_t{1}}};
  const ValueId y = g.node("Gemm", 13, {x, g.weights({4, 3}), g.weights({4})}, right);
  const Attributes left{{"alpha", 3.0}, {"beta", -1.0}, {"transA", int64_t{1}}};
  const ValueId z = g.node("Gemm", 13, {g.weights({2, 5}), y, g.weights({5, 1})}, left);
  const Graph before = g.finish({z}), changed = after(gemm_to_plain_weights, before);
  REQUIRE(ops_of(changed) == "Relu Gemm Gemm");
  for (const Node& node : changed.nodes) {
    CHECK_FALSE(has_attribute(node, "alpha"));
    CHECK_FALSE(has_attribute(node, "beta"));
  }
  const double w = before.constant(before.nodes[1].inputs[1])->as_double(7);
  CHECK(changed.constant(changed.nodes[1].inputs[1])->as_double(7) == Approx(-0.5 * w));
  CHECK(int_attribute(changed.nodes[1], "transB", 0) == 1);
  check_equal_results(before, changed);
}

TEST_CASE("a bias of factor 0 is dropped, whatever it holds", "[onnx][pass]") {
  GraphMaker g;
  const ValueId bias = g.constant({2}, {INFINITY, 1});
  const Graph before =
      g.finish({g.node("Gemm", 13, {g.input("x", {2, 3}), g.weights({3, 2}), bias}, {{"beta", 0.0}})});
  const Graph changed = after(gemm_to_plain_weights, before);
  CHECK(changed.nodes[0].inputs.size() == 2);
  check_equal_results(before, changed);
}

TEST_CASE("factors of products of two activations, and of what is computed, stay", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {3, 3}), y = g.input("y", {3, 3});
  const Attributes factors{{"alpha", 2.0}, {"beta", 3.0}};
  const Graph before = g.finish({g.node("Gemm", 13, {x, y, x}, factors)});
  const Graph changed = after(gemm_to_plain_weights, before);
  CHECK(float_attribute(changed.nodes[0], "alpha", 1) == 2);
  CHECK(float_attribute(changed.nodes[0], "beta", 1) == 3);
}
