#include <set>

#include "ops/op.h"
#include "tests/catch.h"
#include "tests/suite_gradients/check_gradient.h"

namespace onnxray {
namespace {

using Ints = std::vector<int64_t>;
using Floats = std::vector<double>;

Tensor ints(const Ints& values) { return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values); }

TEST_CASE("gradients of convolutions equal central differences") {
  const Tensor x1 = wavy({2, 4, 7}, 1), x2 = wavy({1, 4, 6, 5}, 2), x3 = wavy({1, 2, 4, 4, 3}, 3);
  check({
      {"1-D", "Conv", 11, {}, {x1, wavy({3, 4, 3}, 4), wavy({3}, 5)}},
      {"strided and padded unevenly",
       "Conv",
       11,
       {{"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 2, 1}}},
       {x2, wavy({3, 4, 3, 2}, 4)}},
      {"dilated", "Conv", 11, {{"dilations", Ints{2, 1}}}, {x2, wavy({2, 4, 2, 3}, 4)}},
      {"grouped", "Conv", 11, {{"group", int64_t{2}}}, {x2, wavy({4, 2, 3, 3}, 4)}},
      {"depthwise",
       "Conv",
       11,
       {{"group", int64_t{4}}, {"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}},
       {x2, wavy({8, 1, 3, 3}, 4)}},
      {"3-D", "Conv", 11, {{"pads", Ints{0, 1, 0, 1, 0, 1}}}, {x3, wavy({2, 2, 2, 3, 2}, 4)}},
      {"stride past the end", "Conv", 11, {{"strides", Ints{3, 3}}}, {x2, wavy({2, 4, 2, 2}, 4)}},
      {"2-D",
       "ConvTranspose",
       11,
       {{"strides", Ints{2, 2}}, {"pads", Ints{1, 0, 0, 1}}},
       {x2, wavy({4, 2, 3, 3}, 4), wavy({2}, 5)}},
      {"output padding",
       "ConvTranspose",
       11,
       {{"strides", Ints{3, 2}}, {"output_padding", Ints{1, 1}}},
       {x2, wavy({4, 2, 2, 2}, 4)}},
  });
}

TEST_CASE("gradients of matrix products equal central differences") {
  check({
      {"plain", "Gemm", 13, {}, {wavy({3, 4}, 1), wavy({4, 2}, 2), wavy({2}, 3)}},
      {"transposed and scaled",
       "Gemm",
       13,
       {{"transA", int64_t{1}}, {"transB", int64_t{1}}, {"alpha", 0.5}, {"beta", 2.0}},
       {wavy({4, 3}, 1), wavy({2, 4}, 2), wavy({3, 1}, 3)}},
      {"batched", "MatMul", 13, {}, {wavy({2, 3, 4}, 1), wavy({2, 4, 2}, 2)}},
      {"broadcast", "MatMul", 13, {}, {wavy({2, 1, 3, 4}, 1), wavy({3, 4, 2}, 2)}},
      {"vector by matrix", "MatMul", 13, {}, {wavy({4}, 1), wavy({4, 2}, 2)}},
      {"matrix by vector", "MatMul", 13, {}, {wavy({2, 3, 4}, 1), wavy({4}, 2)}},
  });
}

TEST_CASE("gradients of elementwise functions equal central differences") {
  const Tensor x = wavy({2, 5}, 1), positive = wavy({2, 5}, 1, 0.3, 0.6), above_one = wavy({2, 5}, 1, 0.3, 2);
  std::vector<GradientCase> cases;
  for (const char* op : {"Relu",
                         "Sigmoid",
                         "Tanh",
                         "Erf",
                         "Softplus",
                         "Softsign",
                         "Exp",
                         "Abs",
                         "Neg",
                         "Sin",
                         "Cos",
                         "Tan",
                         "Asin",
                         "Acos",
                         "Atan",
                         "Sinh",
                         "Cosh",
                         "Asinh",
                         "Atanh",
                         "Elu",
                         "Selu",
                         "Celu",
                         "LeakyRelu",
                         "HardSigmoid",
                         "HardSwish",
                         "Mish",
                         "Gelu",
                         "Swish",
                         "ThresholdedRelu",
                         "Floor",
                         "Ceil",
                         "Round",
                         "Sign"}) {
    cases.push_back({"", op, 24, {}, {x}});
  }
  for (const char* op : {"Log", "Sqrt", "Reciprocal"}) cases.push_back({"", op, 13, {}, {positive}});
  // Where e^x overflows, the branch that is not taken must not turn the gradient into NaN.
  for (const char* op : {"Elu", "Selu", "Celu"})
    cases.push_back({"far above zero", op, 22, {}, {Tensor::of<double>({2}, {800, -3})}});
  cases.push_back({"", "Acosh", 9, {}, {above_one}});
  cases.push_back({"tanh form", "Gelu", 20, {{"approximate", std::string("tanh")}}, {x}});
  cases.push_back(
      {"between bounds", "Clip", 13, {}, {x, Tensor::scalar(-0.5), Tensor::scalar(0.42)}, {1, 2}});
  cases.push_back({"bounds as attributes", "Clip", 6, {{"min", -0.3}}, {x}});
  cases.push_back(
      {"with a slope per channel", "PRelu", 16, {}, {wavy({2, 3, 2}, 1), wavy({3, 1}, 2, 0.2, 0.3)}});
  check(cases);
}

TEST_CASE("gradients of arithmetic equal central differences, with broadcasting on either side") {
  const Tensor a = wavy({2, 3, 4}, 1), row = wavy({4}, 2), column = wavy({3, 1}, 3),
               far = wavy({2, 3, 4}, 4, 0.2, 3);
  check({
      {"of a row", "Add", 14, {}, {a, row}},
      {"from a column", "Sub", 14, {}, {column, a}},
      {"of a column", "Mul", 14, {}, {a, column}},
      {"by a column", "Div", 14, {}, {a, wavy({3, 1}, 3, 0.2, 1)}},
      {"outer", "Mul", 14, {}, {row, column}},
      {"square", "Pow", 15, {}, {a, Tensor::scalar(2.0)}, {1}},
      {"to a variable power", "Pow", 15, {}, {far, row}},
      {"to an integer power", "Pow", 15, {}, {a, Tensor::scalar(int64_t{3})}},
      {"of three", "Max", 13, {}, {a, row, column}},
      {"of two", "Min", 13, {}, {a, row}},
      {"of three", "Sum", 13, {}, {a, row, column}},
      {"of two", "Mean", 13, {}, {a, a}},
      {"float", "Mod", 13, {{"fmod", int64_t{1}}}, {far, wavy({4}, 2, 0.1, 1)}},
      {"by a mask",
       "Where",
       16,
       {},
       {Tensor::of<int64_t>({2, 1, 4}, {1, 0, 0, 1, 0, 1, 1, 0}).to(DType::boolean), a, row}},
      {"keeps what is real", "Cast", 13, {{"to", int64_t{11}}}, {a}},
  });
}

TEST_CASE("gradients of pooling equal central differences") {
  const Tensor x1 = wavy({2, 2, 9}, 1), x2 = wavy({2, 2, 6, 7}, 2), x3 = wavy({1, 2, 4, 4, 4}, 3);
  check({
      {"1-D", "MaxPool", 12, {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"pads", Ints{1, 1}}}, {x1}},
      {"2-D in ceil mode",
       "MaxPool",
       12,
       {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}},
       {x2}},
      {"dilated", "MaxPool", 12, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 3}}}, {x2}},
      {"3-D", "MaxPool", 12, {{"kernel_shape", Ints{2, 2, 2}}, {"strides", Ints{2, 2, 2}}}, {x3}},
      {"without padding in the count",
       "AveragePool",
       11,
       {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}},
       {x2}},
      {"with padding in the count",
       "AveragePool",
       11,
       {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 0, 1, 1}}, {"count_include_pad", int64_t{1}}},
       {x2}},
      {"in ceil mode",
       "AveragePool",
       19,
       {{"kernel_shape", Ints{2}}, {"strides", Ints{2}}, {"ceil_mode", int64_t{1}}},
       {x1}},
      {"3-D", "AveragePool", 11, {{"kernel_shape", Ints{2, 3, 1}}}, {x3}},
      {"", "GlobalAveragePool", 1, {}, {x2}},
      {"", "GlobalMaxPool", 1, {}, {x2}},
  });
}

TEST_CASE("gradients of normalisations equal central differences") {
  const Tensor x = wavy({3, 4, 2, 2}, 1), scale = wavy({4}, 2, 0.2, 1), bias = wavy({4}, 3),
               tokens = wavy({2, 3, 8}, 4);
  check({
      {"", "BatchNormalization", 15, {}, {x, scale, bias, wavy({4}, 5), wavy({4}, 6, 0.2, 1)}},
      {"by the batch's own statistics",
       "BatchNormalization",
       15,
       {{"training_mode", int64_t{1}}},
       {x, scale, bias, wavy({4}, 5), wavy({4}, 6, 0.2, 1)}},
      {"last axis", "LayerNormalization", 17, {}, {tokens, wavy({8}, 2, 0.2, 1), wavy({8}, 3)}},
      {"two axes", "LayerNormalization", 17, {{"axis", int64_t{1}}}, {tokens, wavy({3, 8}, 2, 0.2, 1)}},
      {"", "InstanceNormalization", 6, {}, {x, scale, bias}},
      {"", "GroupNormalization", 21, {{"num_groups", int64_t{2}}}, {x, scale, bias}},
      {"", "RMSNormalization", 23, {}, {tokens, wavy({8}, 2, 0.2, 1)}},
      {"", "LRN", 13, {{"size", int64_t{3}}, {"alpha", 0.3}}, {x}},
      {"last axis", "Softmax", 13, {}, {tokens}},
      {"middle axis", "Softmax", 13, {{"axis", int64_t{1}}}, {tokens}},
      {"flattened, as before opset 13", "Softmax", 11, {{"axis", int64_t{1}}}, {tokens}},
      {"", "LogSoftmax", 13, {}, {tokens}},
  });
}

TEST_CASE("gradients of reductions equal central differences") {
  const Tensor x = wavy({2, 3, 4}, 1), positive = wavy({2, 3, 4}, 1, 0.3, 0.6);
  check({
      {"", "ReduceSum", 13, {{"keepdims", int64_t{0}}}, {x, ints({0, 2})}},
      {"", "ReduceMean", 11, {{"axes", Ints{-1}}}, {x}},
      {"one axis", "ReduceMax", 13, {{"axes", Ints{1}}}, {x}},
      {"outer axes", "ReduceMax", 13, {{"axes", Ints{0, 2}}}, {x}},
      {"", "ReduceMin", 13, {{"axes", Ints{2}}}, {x}},
      {"", "ReduceProd", 13, {{"axes", Ints{1}}}, {x}},
      {"with one factor of zero",
       "ReduceProd",
       13,
       {{"axes", Ints{0}}},
       {Tensor::of<double>({4}, {0.5, 0, -2, 3})}},
      {"", "ReduceL1", 13, {{"axes", Ints{1}}}, {x}},
      {"", "ReduceL2", 13, {{"axes", Ints{1, 2}}}, {x}},
      {"", "ReduceSumSquare", 13, {{"axes", Ints{1}}}, {x}},
      {"", "ReduceLogSum", 13, {{"axes", Ints{1}}}, {positive}},
      {"", "ReduceLogSumExp", 13, {{"axes", Ints{1}}}, {x}},
      {"exclusive and reversed",
       "CumSum",
       14,
       {{"exclusive", int64_t{1}}, {"reverse", int64_t{1}}},
       {x, Tensor::scalar(int64_t{1})}},
  });
}

TEST_CASE("gradients of movement equal central differences") {
  const Tensor x = wavy({2, 3, 4}, 1), image = wavy({1, 2, 4, 5}, 2);
  check({
      {"", "Reshape", 14, {}, {x, ints({0, -1})}},
      {"", "Flatten", 13, {}, {x}},
      {"", "Squeeze", 13, {}, {wavy({2, 1, 3}, 1), ints({1})}},
      {"", "Unsqueeze", 13, {}, {x, ints({0, 4})}},
      {"", "Transpose", 13, {{"perm", Ints{2, 0, 1}}}, {x}},
      {"", "Identity", 16, {}, {x}},
      {"", "Dropout", 13, {}, {x}},
      {"", "Expand", 13, {}, {wavy({3, 1}, 1), ints({2, 3, 4})}},
      {"", "Tile", 13, {}, {x, ints({1, 2, 2})}},
      {"", "Concat", 13, {{"axis", int64_t{1}}}, {x, wavy({2, 1, 4}, 2), x}},
      {"backwards with a step",
       "Slice",
       13,
       {},
       {x, ints({-1, 0}), ints({-10, 4}), ints({1, 2}), ints({-2, 3})}},
      {"", "Split", 13, {{"axis", int64_t{2}}}, {x, ints({1, 3})}, {}, 2},
      {"by a constant", "Pad", 13, {}, {x, ints({0, 1, 0, 1, 0, 2})}},
      {"that crops", "Pad", 13, {}, {x, ints({0, -1, 0, 0, 0, 2})}},
      {"by reflection", "Pad", 13, {{"mode", std::string("reflect")}}, {x, ints({0, 2, 1, 0, 1, 0})}},
      {"by the edge", "Pad", 13, {{"mode", std::string("edge")}}, {x, ints({0, 2, 1, 0, 1, 3})}},
      {"", "DepthToSpace", 13, {{"blocksize", int64_t{2}}}, {wavy({1, 8, 2, 3}, 1)}},
      {"", "SpaceToDepth", 13, {{"blocksize", int64_t{2}}}, {wavy({1, 2, 4, 6}, 1)}},
      {"with a repeated and a negative index",
       "Gather",
       13,
       {{"axis", int64_t{1}}},
       {x, Tensor::of<int64_t>({2, 2}, {0, 2, -1, 0})}},
      {"with a repeated index",
       "GatherElements",
       13,
       {{"axis", int64_t{1}}},
       {x, Tensor::of<int64_t>({2, 2, 1}, {0, 0, 2, -1})}},
      {"", "GatherND", 13, {}, {x, Tensor::of<int64_t>({2, 2}, {0, 1, 1, 2})}},
      {"replacing",
       "ScatterElements",
       18,
       {{"axis", int64_t{1}}},
       {x, Tensor::of<int64_t>({2, 1, 2}, {0, 1, 2, 0}), wavy({2, 1, 2}, 5)}},
      {"adding",
       "ScatterElements",
       18,
       {{"axis", int64_t{2}}, {"reduction", std::string("add")}},
       {x, Tensor::of<int64_t>({1, 1, 3}, {3, 3, 0}), wavy({1, 1, 3}, 5)}},
      {"lower", "Trilu", 14, {{"upper", int64_t{0}}}, {wavy({2, 4, 4}, 1)}},
      {"linear",
       "Resize",
       13,
       {{"mode", std::string("linear")}},
       {image, Tensor(DType::f32, {0}), Tensor(DType::f32, {0}), ints({1, 2, 7, 3})}},
      {"cubic",
       "Resize",
       13,
       {{"mode", std::string("cubic")}},
       {image, Tensor(DType::f32, {0}), Tensor::of<float>({4}, {1, 1, 2, 1.6F})}},
      {"nearest", "Resize", 13, {}, {image, Tensor(DType::f32, {0}), Tensor::of<float>({4}, {1, 1, 2, 2})}},
  });
}

TEST_CASE("gradients of contractions equal central differences") {
  check({
      {"a batched product",
       "Einsum",
       12,
       {{"equation", std::string("bij,bjk->bik")}},
       {wavy({2, 3, 4}, 1), wavy({2, 4, 2}, 2)}},
      {"an outer product",
       "Einsum",
       12,
       {{"equation", std::string("i,j->ij")}},
       {wavy({3}, 1), wavy({4}, 2)}},
      {"a diagonal", "Einsum", 12, {{"equation", std::string("...ii->...i")}}, {wavy({2, 3, 3}, 1)}},
      {"an inner product",
       "Einsum",
       12,
       {{"equation", std::string("ij,ij->")}},
       {wavy({3, 4}, 1), wavy({3, 4}, 2)}},
      {"of one head",
       "Attention",
       23,
       {},
       {wavy({1, 2, 3, 4}, 1), wavy({1, 2, 5, 4}, 2), wavy({1, 2, 5, 4}, 3)}},
      {"causal, with a soft cap",
       "Attention",
       23,
       {{"is_causal", int64_t{1}}, {"softcap", 0.7}},
       {wavy({1, 1, 4, 4}, 1), wavy({1, 1, 4, 4}, 2), wavy({1, 1, 4, 4}, 3)}},
  });
}

TEST_CASE("every operator that has a gradient has a case above") {
  if (checked_operators().size() < 100) return;  // a filter left cases out
  std::vector<std::string> missing;
  for (const OpDef& op : OpRegistry::builtin().all()) {
    const bool differentiable = op.domain.empty() && !op.straight_through &&
                                (op.is_assembly() || op.relevance != RelevanceClass::none);
    if (op.name.starts_with("QLinear")) continue;  // from integers to integers
    if (differentiable && !checked_operators().contains(op.name)) missing.push_back(op.name);
  }
  CHECK(missing == std::vector<std::string>{});
}

}  // namespace
}  // namespace onnxray
