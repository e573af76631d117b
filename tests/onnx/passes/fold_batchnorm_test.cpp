#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

ValueId batchnorm(GraphMaker& g, ValueId x, int64_t channels) {
  std::vector<double> variance;
  for (int64_t c = 0; c < channels; ++c) variance.push_back(0.5 + 0.25 * static_cast<double>(c));
  return g.node("BatchNormalization", 15,
                {x, g.weights({channels}), g.weights({channels}), g.weights({channels}),
                 g.constant({channels}, variance)},
                {{"epsilon", 1e-3}});
}

// New weights are rounded to float: 1e-7 relative, times sums of up to a hundred products of size 10.
constexpr double kTolerance = 1e-4;

void check_folded(GraphMaker& g, ValueId y, const std::string& ops) {
  const Graph before = g.finish({y}), changed = after(fold_batchnorm, before);
  CHECK(ops_of(changed) == ops);
  check_equal_results(before, changed, kTolerance);
}

}  // namespace

TEST_CASE("batch normalisation folds into the linear node before it", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 4, 5, 5});
  const Attributes grouped = {{"group", int64_t{2}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  SECTION("Conv in groups") {
    check_folded(g, batchnorm(g, g.node("Conv", 11, {x, g.weights({6, 2, 3, 3})}, grouped), 6), "Conv");
  }
  SECTION("ConvTranspose in groups, with a bias") {
    check_folded(
        g,
        batchnorm(g, g.node("ConvTranspose", 11, {x, g.weights({4, 3, 3, 3}), g.weights({6})}, grouped), 6),
        "ConvTranspose");
  }
  SECTION("Gemm with all of its attributes") {
    const Attributes scaled = {{"alpha", 0.5}, {"beta", 2.0}, {"transB", int64_t{1}}};
    const ValueId flat = g.node("Flatten", 13, {x});
    check_folded(g,
                 batchnorm(g, g.node("Gemm", 13, {flat, g.weights({3, 100}), g.weights({1, 3})}, scaled), 3),
                 "Flatten Gemm");
  }
  SECTION("MatMul") {
    const ValueId flat = g.node("Flatten", 13, {x});
    check_folded(g, batchnorm(g, g.node("MatMul", 13, {flat, g.weights({100, 3})}), 3), "Flatten Gemm");
  }
}

TEST_CASE("batch normalisation folds into the linear node after it when that does not pad", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.node("Relu", 14, {g.input("x", {2, 4, 5, 5})});
  SECTION("Conv in groups") {
    check_folded(g,
                 g.node("Conv", 11, {batchnorm(g, x, 4), g.weights({6, 2, 3, 3})}, {{"group", int64_t{2}}}),
                 "Relu Conv");
  }
  SECTION("Gemm") {
    const ValueId flat = g.node("Flatten", 13, {x});
    check_folded(g, g.node("Gemm", 13, {batchnorm(g, flat, 100), g.weights({100, 3})}), "Relu Flatten Gemm");
  }
  SECTION("not with padding") {
    const Attributes padded = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
    check_folded(g, g.node("Conv", 11, {batchnorm(g, x, 4), g.weights({6, 4, 3, 3})}, padded),
                 "Relu BatchNormalization Conv");
  }
}

TEST_CASE("batch normalisation stays where the option says so or others read its input", "[onnx][pass]") {
  GraphMaker g;
  const ValueId z = g.node("Conv", 11, {g.input("x", {1, 2, 4, 4}), g.weights({3, 2, 1, 1})});
  const ValueId y = batchnorm(g, z, 3);
  const Graph single = g.finish({y});
  CHECK(ops_of(after(fold_batchnorm, single, {.fold_batchnorm = false})) == "Conv BatchNormalization");
  const Graph shared = g.finish({y, z});
  CHECK(ops_of(after(fold_batchnorm, shared)) == "Conv BatchNormalization");
}
