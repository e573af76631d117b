#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ops/op.h"
#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;

Tensor ints(const Ints& values) { return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values); }
Tensor flags(const Shape& shape, const Ints& values) {
  return Tensor::of<int64_t>(shape, values).to(DType::boolean);
}

/// An operator that is linear in the operands that move, or winner of them, or homogeneous like a norm.
struct Case {
  std::string op;
  int64_t opset;
  Attributes attributes;
  std::vector<Tensor> operands;
  std::set<size_t> moving = {0};
  std::string what = {};
};

std::string text(const char* s) { return s; }

std::vector<Case> linear_cases() {
  const Tensor x = hashed({2, 4, 5}, 1), image = hashed({1, 4, 6, 5}, 2);
  return {
      {"Conv", 11, {{"pads", Ints{1, 1, 1, 1}}}, {image, hashed({3, 4, 3, 3}, 3)}},
      {"ConvTranspose", 11, {{"strides", Ints{2, 2}}}, {image, hashed({4, 2, 3, 3}, 3)}},
      {"Gemm", 13, {{"alpha", -0.5}, {"transB", int64_t{1}}}, {hashed({2, 4}, 1), hashed({3, 4}, 2)}},
      {"Gemm", 13, {{"beta", 2.0}}, {hashed({2, 4}, 1), hashed({4, 3}, 2), hashed({3}, 3)}, {0, 2}},
      {"Conv", 11, {}, {image, hashed({3, 4, 1, 1}, 3), hashed({3}, 4)}, {0, 2}, "with a bias that moves"},
      {"MatMul", 13, {}, {x, hashed({5, 3}, 2)}},
      {"MatMul", 13, {}, {hashed({3, 4}, 2), x}, {1}, "from the left"},
      {"Einsum", 12, {{"equation", text("bij,jk->bki")}}, {x, hashed({5, 3}, 2)}},
      {"Einsum", 12, {{"equation", text("bij->j")}}, {x}, {0}, "that sums"},
      {"BatchNormalization",
       15,
       {},
       {image, hashed({4}, 1), hashed({4}, 2, 0), hashed({4}, 3, 0), Tensor::filled(DType::f64, {4}, 2)}},
      {"Mul", 14, {}, {x, hashed({4, 1}, 2)}},
      {"Div", 14, {}, {x, hashed({5}, 2)}},
      {"Neg", 13, {}, {x}},
  };
}

std::vector<Case> sum_cases() {
  const Tensor x = hashed({2, 4, 5}, 1), image = hashed({1, 4, 6, 5}, 2);
  const Attributes window{{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 0, 0}}};
  return {
      {"Add", 14, {}, {x, hashed({4, 1}, 2)}, {0, 1}},
      {"Sub", 14, {}, {x, hashed({5}, 2)}, {0, 1}},
      {"Sum", 13, {}, {x, hashed({5}, 2), hashed({4, 1}, 3)}, {0, 1, 2}},
      {"Mean", 13, {}, {x, hashed({5}, 2)}, {0, 1}},
      {"AveragePool", 19, window, {image}, {0}, "of overlapping windows"},
      {"GlobalAveragePool", 1, {}, {image}},
      {"LpPool", 18, window, {image}},
      {"GlobalLpPool", 2, {{"p", int64_t{3}}}, {image}},
      {"ReduceSum", 13, {}, {x, ints({1})}, {0}},
      {"ReduceMean", 13, {{"axes", Ints{0, 2}}}, {x}},
      {"ReduceL1", 13, {{"axes", Ints{1}}}, {x}},
      {"ReduceL2", 13, {{"axes", Ints{1}}}, {x}},
      {"CumSum", 14, {{"reverse", int64_t{1}}}, {x, Tensor::scalar(int64_t{1})}},
      {"DFT", 20, {{"onesided", int64_t{1}}}, {hashed({2, 6, 1}, 1)}},
      {"DFT", 17, {{"inverse", int64_t{1}}}, {hashed({2, 6, 2}, 1)}, {0}, "back"},
      {"STFT",
       17,
       {},
       {hashed({1, 12, 1}, 1), Tensor::scalar(int64_t{2}), hashed({4}, 2)},
       {0},
       "of overlapping frames"},
      {"AffineGrid", 20, {}, {hashed({1, 2, 3}, 1), ints({1, 1, 3, 4})}},
      {"RotaryEmbedding", 23, {}, {hashed({1, 2, 3, 4}, 1), hashed({1, 3, 2}, 2), hashed({1, 3, 2}, 3)}},
      {"NegativeLogLikelihoodLoss", 13, {}, {hashed({3, 4}, 1), ints({1, 0, 3}), hashed({4}, 2)}},
  };
}

std::vector<Case> scatter_cases() {
  const Tensor x = hashed({2, 4, 5}, 1), updates = hashed({1, 3, 5}, 2);
  const Tensor places = Tensor::of<int64_t>({1, 3, 5}, {0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 2, 2, 2, 1});
  std::vector<Case> cases;
  // With "none" a place may be named once.
  const Tensor once = Tensor::of<int64_t>({1, 3, 5}, {0, 0, 0, 1, 1, 3, 1, 1, 2, 2, 2, 2, 2, 3, 3});
  for (const char* reduction : {"none", "add", "max", "min"}) {
    const Tensor& index = reduction == text("none") ? once : places;
    const Attributes along{{"axis", int64_t{1}}, {"reduction", text(reduction)}};
    const Tensor zeros = Tensor::filled(DType::f64, {2, 4, 5}, 0);
    cases.push_back({"ScatterElements", 18, along, {x, index, updates}, {0, 2}, reduction});
    if (reduction == text("add"))
      cases.push_back({"ScatterElements", 18, along, {zeros, index, updates}, {2}, "add to zeros"});
    const Tensor rows =
        Tensor::of<int64_t>({3, 1}, reduction == text("none") ? Ints{3, 0, 1} : Ints{3, 0, 3});
    cases.push_back({"ScatterND",
                     18,
                     {{"reduction", text(reduction)}},
                     {hashed({4, 5}, 1), rows, hashed({3, 5}, 3)},
                     {0, 2},
                     reduction});
  }
  cases.push_back({"Scatter", 9, {{"axis", int64_t{1}}}, {x, once, updates}, {0, 2}});
  return cases;
}

std::vector<Case> sampling_cases() {
  const Tensor image = hashed({1, 4, 6, 5}, 2), none = Tensor(DType::f32, {0});
  std::vector<Case> cases;
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    cases.push_back({"Resize",
                     19,
                     {{"mode", text(mode)}, {"antialias", int64_t{mode == text("linear")}}},
                     {image, none, none, ints({1, 4, 4, 8})},
                     {0},
                     mode});
    for (const char* padding : {"zeros", "border", "reflection"}) {
      cases.push_back({"GridSample",
                       20,
                       {{"mode", text(mode)}, {"padding_mode", text(padding)}},
                       {image, hashed({1, 3, 4, 2}, 3, 1.3)},
                       {0},
                       text(mode) + " " + padding});
    }
  }
  const Tensor regions = Tensor::of<double>({2, 4}, {0.3, 0.7, 3.1, 2.9, 1.2, 0.4, 3.9, 3.3});
  for (const char* mode : {"avg", "max"}) {
    const Attributes how{{"output_height", int64_t{2}},
                         {"output_width", int64_t{2}},
                         {"sampling_ratio", int64_t{2}},
                         {"mode", text(mode)}};
    cases.push_back({"RoiAlign", 16, how, {image, regions, ints({0, 0})}, {0}, mode});
  }
  cases.push_back({"Upsample", 9, {{"mode", text("linear")}}, {image, Tensor::of<float>({4}, {1, 1, 2, 2})}});
  cases.push_back({"Upsample", 9, {}, {image, Tensor::of<float>({4}, {1, 1, 2, 3})}, {0}, "nearest"});
  cases.push_back(
      {"Col2Im", 18, {}, {hashed({1, 18, 9}, 1), ints({5, 5}), ints({3, 3})}, {0}, "overlapping"});
  cases.push_back(
      {"Col2Im", 18, {{"strides", Ints{2, 2}}}, {hashed({1, 8, 4}, 1), ints({4, 4}), ints({2, 2})}});
  cases.push_back({"DeformConv",
                   19,
                   {{"pads", Ints{0, 1, 0, 0}}},
                   {image, hashed({3, 4, 2, 2}, 3), hashed({1, 8, 5, 5}, 4, 0.6)},
                   {0}});
  return cases;
}

std::vector<Case> movement_cases() {
  const Tensor x = hashed({2, 4, 5}, 1), image = hashed({1, 4, 6, 4}, 2);
  const Attributes window{{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}};
  return {
      {"Reshape", 14, {}, {x, ints({5, -1})}},
      {"Flatten", 13, {}, {x}},
      {"Squeeze", 13, {}, {hashed({2, 1, 3}, 1), ints({1})}},
      {"Unsqueeze", 13, {}, {x, ints({0})}},
      {"Transpose", 13, {{"perm", Ints{2, 0, 1}}}, {x}},
      {"Expand", 13, {}, {hashed({3, 1}, 1), ints({2, 3, 4})}},
      {"Tile", 13, {}, {x, ints({1, 2, 2})}},
      {"DepthToSpace", 13, {{"blocksize", int64_t{2}}}, {image}},
      {"SpaceToDepth", 13, {{"blocksize", int64_t{2}}}, {image}},
      {"Concat", 13, {{"axis", int64_t{1}}}, {x, hashed({2, 1, 5}, 2)}, {0, 1}},
      {"Slice", 13, {}, {x, ints({3}), ints({-9}), ints({1}), ints({-2})}},
      {"Split", 18, {{"axis", int64_t{2}}}, {x, ints({1, 4})}},
      {"Gather", 13, {{"axis", int64_t{1}}}, {x, Tensor::of<int64_t>({2, 2}, {0, 2, -1, 0})}},
      {"GatherElements", 13, {{"axis", int64_t{1}}}, {x, Tensor::of<int64_t>({2, 2, 1}, {0, 0, 2, -1})}},
      {"GatherND", 13, {}, {x, Tensor::of<int64_t>({3, 2}, {0, 1, 1, 2, 0, 1})}},
      {"Trilu", 14, {}, {x}},
      {"ReverseSequence", 10, {{"time_axis", int64_t{1}}, {"batch_axis", int64_t{0}}}, {x, ints({4, 2})}},
      {"MaxUnpool",
       11,
       {{"kernel_shape", Ints{2}}, {"strides", Ints{2}}},
       {hashed({1, 1, 3}, 1), Tensor::of<int64_t>({1, 1, 3}, {1, 2, 5})}},
      {"CenterCropPad", 18, {}, {x, ints({2, 7, 3})}},
      {"Compress", 11, {{"axis", int64_t{1}}}, {x, flags({4}, {1, 0, 0, 1})}},
      {"Pad", 13, {}, {x, ints({0, 1, -1, 0, 1, 2})}},
      {"Pad", 13, {{"mode", text("reflect")}}, {x, ints({0, 2, 1, 0, 1, 0})}, {0}, "reflect"},
      {"Pad", 19, {{"mode", text("wrap")}}, {x, ints({0, 2, 1, 0, 1, 3})}, {0}, "wrap"},
      {"Identity", 16, {}, {x}},
      {"Dropout", 13, {}, {x}},
      {"Cast", 13, {{"to", int64_t{11}}}, {x}},
      {"CastLike", 19, {}, {x, hashed({1}, 2)}},
      {"Where", 16, {}, {flags({4, 1}, {1, 0, 0, 1}), x, hashed({5}, 2)}, {1, 2}},
      {"MaxPool", 12, window, {image}, {0}, "of overlapping windows"},
      {"GlobalMaxPool", 1, {}, {image}},
      {"ReduceMax", 13, {{"axes", Ints{1}}}, {x}},
      {"ReduceMin", 13, {{"axes", Ints{0, 2}}}, {x}},
      {"Max", 13, {}, {x, hashed({5}, 2)}, {0, 1}},
      {"Min", 13, {}, {x, hashed({5}, 2)}, {0, 1}},
      {"TopK", 11, {}, {x, ints({3})}},
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& cases : {linear_cases(), sum_cases(), scatter_cases(), sampling_cases(), movement_cases()})
    all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

/// Operators of these classes that are no linear maps, and what is tested of them elsewhere.
const std::map<std::string, std::string>& others() {
  static const std::map<std::string, std::string> reasons{
      {"ReduceProd", "of degree n: conserves, below"},
      {"ReduceSumSquare", "of degree 2: conserves, below"},
      {"CumProd", "of degree i: conserves, below"},
      {"ReduceLogSum", "a logarithm keeps no sum"},
      {"ReduceLogSumExp", "a logarithm keeps no sum"},
      {"LogSoftmax", "equals ReduceLogSumExp and Sub, log_softmax_test"},
      {"SoftmaxCrossEntropyLoss", "a logarithm keeps no sum"},
      {"onnxray.MatMul", "what passes make of MatMul and Add: onnx/passes/matmul_add_to_bias_test"},
  };
  return reasons;
}

struct Probe {
  Graph graph;
  std::vector<Tensor> inputs;
};

/// op -> two sums over all entries of its results, each with weights of its own and no bias.
Probe probe(const Case& test) {
  GraphBuilder g;
  Probe result;
  std::vector<ValueId> operands;
  for (size_t i = 0; i < test.operands.size(); ++i) {
    const bool moves = test.moving.contains(i);
    operands.push_back(moves ? g.input("x" + std::to_string(i), test.operands[i].shape())
                             : g.constant(test.operands[i]));
    if (moves) result.inputs.push_back(test.operands[i]);
  }
  g.set_opset(test.opset);
  const std::vector<ValueId> parts = test.op == "Split"
                                         ? g.split(operands[0], 2, test.operands[1].to_int64s())
                                         : std::vector{g.node(test.op, operands, test.attributes)};
  g.set_opset(17);
  std::vector<ValueId> rows;
  for (const ValueId part : parts) rows.push_back(g.node("Reshape", {part, g.ints({1, -1})}));
  const ValueId row = rows.size() == 1 ? rows[0] : g.node("Concat", rows, {{"axis", int64_t{1}}});
  const Graph without = g.build({row});
  const int64_t entries = element_count(*without[without.outputs[0]].shape);
  result.graph = g.build({g.node("MatMul", {row, g.constant(hashed({entries, 2}, 99))})});
  return result;
}

// Relevance divides by sums and multiplies with their terms: rounding, magnified by the smallest sum beside
// its terms, which the entries here keep above 1e-4.
constexpr double kRounding = 1e-11;

TEST_CASE("relevance at every linear operator is input times gradient, and adds up to the output") {
  for (const Case& test : all_cases()) {
    DYNAMIC_SECTION(test.op << " " << test.what) {
      const Probe net = probe(test);
      const Results results = explain_results(net.graph, "lrp_z", net.inputs, target_index({1}));
      const std::vector<Tensor> gradients = explain_all(net.graph, "gradient", net.inputs, 1);
      double total = 0, largest = 0;
      for (size_t i = 0; i < net.inputs.size(); ++i) {
        const Tensor& relevance = results.at("attribution:0:0:" + std::to_string(i));
        const Tensor expected = zip(net.inputs[i], gradients[i], std::multiplies<>());
        CHECK(difference(relevance, expected) < kRounding);
        total += sum(relevance);
        for (const double r : relevance.to_doubles()) largest = std::max(largest, std::fabs(r));
      }
      CHECK(largest > 0);
      CHECK(std::fabs(total - results.at("score:0").as_double(0)) < kRounding * largest * 100);
    }
  }
}

TEST_CASE("every operator that is linear to relevance has a case, or says why it has none") {
  std::set<std::string> covered;
  for (const Case& test : all_cases()) covered.insert(test.op);
  std::vector<std::string> missing;
  for (const OpDef& op : OpRegistry::builtin().all()) {
    const bool concerned = op.relevance == RelevanceClass::linear || op.relevance == RelevanceClass::sum ||
                           op.relevance == RelevanceClass::routing || op.relevance == RelevanceClass::affine;
    const std::string name = op.domain.empty() ? op.name : op.domain + "." + op.name;
    if (concerned && !covered.contains(name) && !others().contains(name)) missing.push_back(name);
  }
  CHECK(missing == std::vector<std::string>{});
}

TEST_CASE("the factors of a product share its relevance in equal parts") {
  const Tensor x = hashed({2, 4, 5}, 1), updates = hashed({1, 3, 5}, 2);
  const Tensor index = Tensor::of<int64_t>({1, 3, 5}, {0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 2, 2, 2, 1});
  const Attributes along{{"axis", int64_t{1}}, {"reduction", text("mul")}};
  const Tensor ones = Tensor::filled(DType::f64, {2, 4, 5}, 1);
  const Tensor axis = Tensor::scalar(int64_t{1});
  // What is constant in a product, and the empty product 1, have their part of the output.
  const std::vector<Case> cases{
      {"ReduceProd", 13, {{"axes", Ints{1}}}, {x}},
      {"ReduceSumSquare", 13, {{"axes", Ints{1}}}, {x}},
      {"CumProd", 26, {}, {x, axis}},
      {"CumProd", 26, {{"reverse", int64_t{1}}}, {x, axis}, {0}, "reversed"},
      {"ScatterElements", 18, along, {x, index, updates}, {0, 2}, "all factors move"},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.op << " " << test.what) {
      const Probe net = probe(test);
      const Results results = explain_results(net.graph, "lrp_z", net.inputs, target_index({1}));
      double total = 0;
      for (size_t i = 0; i < net.inputs.size(); ++i)
        total += onnxray::test::sum(results.at("attribution:0:0:" + std::to_string(i)));
      CHECK(total == Approx(results.at("score:0").as_double(0)).epsilon(kRounding));
    }
  }
  // y = (u0, u1 u2, 1) times weights: the one update of a place takes all, two take half each.
  GraphBuilder g;
  g.set_opset(18);
  const ValueId u = g.input("u", {3});
  const ValueId y =
      g.node("ScatterND", {g.constant({3}, {1, 1, 1}), g.constant(Tensor::of<int64_t>({3, 1}, {0, 1, 1})), u},
             {{"reduction", text("mul")}});
  const Graph graph =
      g.build({g.node("MatMul", {g.node("Reshape", {y, g.ints({1, 3})}), g.constant({3, 1}, {2, -1, 4})})});
  CHECK(difference(explain(graph, "lrp_z", Tensor::of<double>({3}, {3, 5, -7}), 0), {6, 17.5, 17.5}) <
        kRounding);
}

TEST_CASE("where an image is read, the places get no relevance and the image gets all") {
  GraphBuilder g;
  g.set_opset(20);
  const ValueId image = g.input("image", {1, 2, 4, 5}), grid = g.input("grid", {1, 3, 4, 2});
  const ValueId row = g.node("Reshape", {g.node("GridSample", {image, grid}), g.ints({1, -1})});
  const Graph graph = g.build({g.node("MatMul", {row, g.constant(hashed({24, 2}, 3))})});
  const std::vector<Tensor> inputs{hashed({1, 2, 4, 5}, 1), hashed({1, 3, 4, 2}, 2, 0.9)};
  const Results results = explain_results(graph, "lrp_z", inputs, target_index({0}));
  CHECK(onnxray::test::sum(results.at("attribution:0:0:0")) ==
        Approx(results.at("score:0").as_double(0)).epsilon(kRounding));
  CHECK(results.at("attribution:0:0:1").to_doubles() == std::vector<double>(24, 0));
}

}  // namespace
}  // namespace onnxray::test
