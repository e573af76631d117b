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

TEST_CASE("a constant per channel behind a linear node folds into it", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 4, 5, 5});
  const auto all = [&](ValueId z, const Shape& shape) {
    z = g.node("Mul", 14, {g.weights(shape), g.node("Sub", 14, {z, g.weights(shape)})});
    return g.node("Sum", 13, {g.node("Div", 14, {z, g.constant({1}, {-0.7})}), g.weights(shape)});
  };
  SECTION("Conv in groups, with a bias") {
    const ValueId z =
        g.node("Conv", 11, {x, g.weights({6, 2, 3, 3}), g.weights({6})}, {{"group", int64_t{2}}});
    check_folded(g, all(z, {1, 6, 1, 1}), "Conv");
  }
  SECTION("ConvTranspose") {
    check_folded(g, all(g.node("ConvTranspose", 11, {x, g.weights({4, 3, 3, 3})}), {3, 1, 1}),
                 "ConvTranspose");
  }
  SECTION("Gemm with all of its attributes") {
    const Attributes scaled = {{"alpha", 0.5}, {"beta", 2.0}, {"transB", int64_t{1}}};
    const ValueId flat = g.node("Flatten", 13, {x});
    check_folded(g, all(g.node("Gemm", 13, {flat, g.weights({3, 100}), g.weights({1, 3})}, scaled), {3}),
                 "Flatten Gemm");
  }
  SECTION("a Gemm that keeps its weight and its alpha: a sum alone") {
    const ValueId flat = g.node("Flatten", 13, {x});
    const ValueId z = g.node("Gemm", 13, {flat, g.weights({100, 3}), g.weights({3})}, {{"alpha", 0.5}});
    check_folded(g, g.node("Add", 14, {z, g.weights({3})}), "Flatten Gemm");
  }
  SECTION("MatMul of stacked matrices") {
    check_folded(g, all(g.node("MatMul", 13, {x, g.weights({5, 3})}), {3}), "MatMul");
  }
  SECTION("MatMul by a weight on the left") {
    check_folded(g, all(g.node("MatMul", 13, {g.weights({3, 5}), x}), {3, 1}), "MatMul");
  }
  SECTION("c - x") {
    const ValueId z = g.node("Conv", 11, {x, g.weights({6, 4, 3, 3}), g.weights({6})});
    check_folded(g, g.node("Sub", 14, {g.weights({6, 1, 1}), z}), "Conv");
  }
}

TEST_CASE("a constant per channel folds through shape nodes", "[onnx][pass]") {
  GraphMaker g;
  const ValueId z = g.node("Conv", 11, {g.input("x", {2, 4, 5, 5}), g.weights({6, 4, 3, 3}), g.weights({6})});
  const auto reshape = [&](ValueId v, const std::vector<int64_t>& to) {
    return g.node("Reshape", 14, {v, g.ints(to)});
  };
  const auto affine = [&](ValueId v, const Shape& shape) {
    return g.node("Add", 14, {g.node("Mul", 14, {v, g.weights(shape)}), g.weights(shape)});
  };
  SECTION("space made one axis") { check_folded(g, affine(reshape(z, {2, 6, 9}), {6, 1}), "Conv Reshape"); }
  SECTION("channels behind space") {
    const ValueId last = g.node("Transpose", 13, {z}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
    check_folded(g, affine(reshape(last, {2, 9, 6}), {6}), "Conv Transpose Reshape");
  }
  SECTION("channels in groups") {
    check_folded(g, affine(reshape(z, {2, 2, 3, 9}), {2, 3, 1}), "Conv Reshape");
  }
  SECTION("channels in groups that are treated alike") {
    check_folded(g, affine(reshape(z, {2, 2, 3, 9}), {3, 1}), "Conv Reshape");
  }
  SECTION("one number, wherever channels went") {
    check_folded(g, affine(reshape(z, {4, 27}), {1}), "Conv Reshape");
  }
  SECTION("BatchNormalization behind a Squeeze") {
    const ValueId row = g.node("Conv", 11, {g.input("row", {2, 4, 1, 5}), g.weights({6, 4, 1, 3})});
    const ValueId flat = g.node("Squeeze", 13, {row, g.ints({2})});
    check_folded(g, batchnorm(g, flat, 6), "Conv Squeeze");
  }
}

TEST_CASE("constants that are none per channel, or of a result with another reader, stay", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 4, 5, 5});
  const ValueId z = g.node("Conv", 11, {x, g.weights({6, 4, 3, 3}), g.weights({6})});
  const auto stays = [&](const std::vector<ValueId>& outputs, const std::string& ops) {
    CHECK(ops_of(after(fold_batchnorm, g.finish(outputs))) == ops);
  };
  SECTION("along space") { stays({g.node("Mul", 14, {z, g.weights({3, 1})})}, "Conv Mul"); }
  SECTION("behind a reshape that mixes channels and space") {
    const ValueId y = g.node("Reshape", 14, {z, g.ints({2, 9, 6})});
    stays({g.node("Mul", 14, {y, g.weights({6})})}, "Conv Reshape Mul");
  }
  SECTION("a larger one") { stays({g.node("Mul", 14, {z, g.weights({3, 2, 6, 1, 1})})}, "Conv Mul"); }
  SECTION("with another reader") { stays({g.node("Mul", 14, {z, g.scalar(2)}), z}, "Conv Mul"); }
  SECTION("c / x") { stays({g.node("Div", 14, {g.scalar(2), z})}, "Conv Div"); }
  SECTION("before a linear node") {
    const ValueId y = g.node("Mul", 14, {g.node("Relu", 14, {x}), g.weights({4, 1, 1})});
    stays({g.node("Conv", 11, {y, g.weights({6, 4, 3, 3})})}, "Conv Relu Mul Conv");
  }
  SECTION("by an infinite number") { stays({g.node("Mul", 14, {z, g.scalar(HUGE_VAL)})}, "Conv Mul"); }
}
