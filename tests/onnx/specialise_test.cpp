#include "onnx/specialise.h"

#include "core/error.h"
#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

Graph specialised(const Graph& model, const Specialisation& s) {
  const auto folder = make_reference_backend(true);
  return specialise(model, s, {}, OpRegistry::builtin(), *folder);
}

/// x [batch, 3, 4] reshaped by what its own shape says, as TorchScript writes view(x.size(0), -1).
GraphMaker shape_chain() {
  GraphMaker g;
  const ValueId x = g.graph.add_value("x");
  g.graph[x].dtype = DType::f32;
  g.graph.inputs.push_back(
      {.value = x, .extents = {std::string("batch"), int64_t{3}, int64_t{4}}, .has_shape = true});
  const ValueId shape = g.node("Shape", 13, {x});
  const ValueId batch =
      g.node("Gather", 13, {shape, g.graph.add_constant("zero", Tensor::scalar<int64_t>(0))},
             {{"axis", int64_t{0}}});
  const ValueId list = g.node("Unsqueeze", 13, {batch, g.ints({0})});
  const ValueId target = g.node("Concat", 13, {list, g.ints({-1})}, {{"axis", int64_t{0}}});
  const ValueId y = g.node("Relu", 14, {g.node("Reshape", 13, {x, target})});
  g.graph.outputs = {y};
  return g;
}

}  // namespace

TEST_CASE("a chain of shape arithmetic folds to nothing", "[onnx]") {
  const Graph model = shape_chain().graph;
  CHECK(bound_inputs(model, OpRegistry::builtin()).empty());
  const Graph graph = specialised(model, {{{2, 3, 4}}, {}});
  CHECK(graph.to_text() == "Reshape4:f32[2,12] = Reshape(x, Concat3)\nRelu5:f32[2,12] = Relu(Reshape4)\n");
  CHECK(graph[graph.outputs[0]].sign == SignFact::non_negative);
  CHECK(graph.constant(graph.nodes[0].inputs[1])->to_int64s() == std::vector<int64_t>{2, -1});
}

TEST_CASE("specialising leaves the model as it was", "[onnx]") {
  const Graph model = shape_chain().graph;
  const std::string before = model.to_text();
  specialised(model, {{{2, 3, 4}}, {}});
  CHECK(model.to_text() == before);
  CHECK(specialised(model, {{{5, 3, 4}}, {}}).nodes.size() == 2);
}

TEST_CASE("an input that does not fit the model is refused by name", "[onnx]") {
  const Graph model = shape_chain().graph;
  CHECK_THROWS_WITH(specialised(model, {{{2, 3}}, {}}), Catch::Contains("'x' has 3 axes"));
  CHECK_THROWS_WITH(specialised(model, {{{2, 3, 5}}, {}}), Catch::Contains("'x' needs extent 4 on axis 2"));
}

TEST_CASE("an image in the other layout is told to be transposed", "[onnx]") {
  const auto image_model = [](std::vector<std::variant<int64_t, std::string>> extents) {
    GraphMaker g;
    const ValueId x = g.graph.add_value("x");
    g.graph[x].dtype = DType::f32;
    g.graph.inputs.push_back({.value = x, .extents = std::move(extents), .has_shape = true});
    g.graph.outputs = {g.node("Relu", 14, {x})};
    return g.graph;
  };
  const Graph first = image_model({std::string("batch"), int64_t{3}, int64_t{8}, int64_t{8}}),
              last = image_model({std::string("batch"), std::string("h"), std::string("w"), int64_t{3}});
  CHECK_THROWS_WITH(specialised(first, {{{1, 8, 8, 3}}, {}}),
                    Catch::Contains("(NCHW): transpose it to [1,3,8,8]"));
  CHECK_THROWS_WITH(specialised(last, {{{1, 3, 8, 9}}, {}}),
                    Catch::Contains("(NHWC): transpose it to [1,8,9,3]"));
  CHECK_THROWS_WITH(specialised(first, {{{1, 3, 8, 9}}, {}}), !Catch::Contains("transpose"));
}

TEST_CASE("an input that reaches a shape operand is bound and becomes a constant", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 6}), n = g.input("n", {1}, DType::i64);
  const ValueId target = g.node("Concat", 13, {n, g.ints({-1})}, {{"axis", int64_t{0}}});
  g.graph.outputs = {g.node("Reshape", 13, {x, target})};
  REQUIRE(bound_inputs(g.graph, OpRegistry::builtin()) == std::vector<ValueId>{n});
  const Graph graph = specialised(g.graph, {{{2, 6}, {1}}, {{n, Tensor::of<int64_t>({1}, {3})}}});
  CHECK(graph[graph.outputs[0]].shape == Shape{3, 4});
  CHECK(graph.inputs.size() == 2);
  CHECK(graph.constant(n) != nullptr);
}

TEST_CASE("weights computed from constants fold in double and are stored in their own type", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2});
  const ValueId sum =
      g.node("ReduceSum", 13, {g.constant({3}, {16777216, 1, 1}), g.ints({0})}, {{"keepdims", int64_t{0}}});
  g.graph.outputs = {g.node("Mul", 14, {x, sum})};
  const Graph graph = specialised(g.graph, {{{1, 2}}, {}});
  REQUIRE(ops_of(graph) == "Mul");
  const Tensor& folded = *graph.constant(graph.nodes[0].inputs[1]);
  CHECK(folded.dtype() == DType::f32);
  CHECK(folded.as_double(0) == 16777218);  // summed in float it would stay at 2^24
}

TEST_CASE("half precision is widened and its casts vanish", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2});
  const ValueId half = g.node("Cast", 13, {x}, {{"to", int64_t{10}}});
  const ValueId scaled = g.node("Mul", 14, {half, g.constant({2}, {0.5, 2}, DType::f16)});
  g.graph.outputs = {g.node("Relu", 14, {g.node("Cast", 13, {scaled}, {{"to", int64_t{1}}})})};
  const Graph graph = specialised(g.graph, {{{1, 2}}, {}});
  CHECK(graph.to_text() == "Mul1:f32[1,2] = Mul(x, c2)\nRelu3:f32[1,2] = Relu(Mul1)\n");
}

TEST_CASE("doubles become floats for a backend of floats, and casts to them vanish", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2});
  const ValueId wide = g.node("Cast", 13, {x}, {{"to", int64_t{11}}});
  g.graph.outputs = {g.node("Mul", 14, {wide, g.constant({2}, {0.5, 2}, DType::f64)})};
  Specialisation single{{{1, 2}}, {}};
  CHECK(specialised(g.graph, single).to_text() ==
        "Cast0:f64[1,2] = Cast(x) to=11\nMul1:f64[1,2] = Mul(Cast0, c2)\n");
  single.single = true;
  CHECK(specialised(g.graph, single).to_text() == "Mul1:f32[1,2] = Mul(x, c2)\n");
}

TEST_CASE("an expansion too large to keep is not folded", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 1});
  const ValueId wide = g.node("Expand", 13, {g.constant({1, 1}, {2}), g.ints({5000, 5000})});
  g.graph.outputs = {g.node("ReduceSum", 13, {g.node("Mul", 14, {x, wide})})};
  CHECK(ops_of(specialised(g.graph, {{{1, 1}}, {}})) == "Expand Mul ReduceSum");
}

TEST_CASE("the passes work together on a network as Keras exports it", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 6, 6, 3});
  const Attributes to_first = {{"perm", std::vector<int64_t>{0, 3, 1, 2}}},
                   to_last = {{"perm", std::vector<int64_t>{0, 2, 3, 1}}};
  ValueId v = g.node("Transpose", 13, {x}, to_first);
  v = g.node("Conv", 11, {v, g.weights({4, 3, 3, 3})});
  v = g.node("Transpose", 13, {v}, to_last);
  v = g.node("Add", 14, {v, g.weights({4})});
  v = g.node("Transpose", 13, {v}, to_first);
  v = g.node("BatchNormalization", 9,
             {v, g.weights({4}), g.weights({4}), g.weights({4}), g.constant({4}, {1, 2, 3, 4})});
  v = g.node("Mul", 14, {v, g.node("Sigmoid", 13, {v})});
  v = g.node("Transpose", 13, {v}, to_last);
  v = g.node("ReduceMean", 13, {v}, {{"axes", std::vector<int64_t>{1, 2}}, {"keepdims", int64_t{0}}});
  v = g.node("Dropout", 13, {v});
  v = g.node("Add", 14, {g.node("MatMul", 13, {v, g.weights({4, 5})}), g.weights({5})});
  v = g.node("Softmax", 13, {v});
  const Graph before = g.finish({v});
  const Graph changed = specialised(before, {{{2, 6, 6, 3}}, {}});
  CHECK(ops_of(changed) == "Transpose Conv Swish GlobalAveragePool Reshape Gemm Softmax");
  // Folded weights are rounded to float; the outputs are probabilities.
  check_equal_results(before, changed, 1e-5);
}
