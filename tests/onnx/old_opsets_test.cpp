#include "onnx/specialise.h"
#include "tests/onnx/model_builder.h"
#include "tests/onnx/passes/pass_fixture.h"

namespace onnxray {
namespace {

Attributes along(int64_t axis) { return {{"broadcast", int64_t{1}}, {"axis", axis}}; }

/// The graph of a maker after all passes, and after none, compute the same.
void check_passes_agree(GraphMaker& g, ValueId y) {
  g.graph.outputs = {y};
  const Graph model = g.graph;
  std::vector<Shape> shapes;
  for (const InputInfo& input : model.inputs) shapes.push_back(*model[input.value].shape);
  const auto folder = make_reference_backend(true);
  const Graph optimised =
      specialise(model, {.input_shapes = shapes, .bound = {}}, {}, OpRegistry::builtin(), *folder);
  check_equal_results(g.finish({y}), optimised);
}

TEST_CASE("Passes read the broadcasting of opset 6 as the operators do", "[onnx]") {
  // Equal extents: read by the other rule, each of these would run and be wrong.
  const Shape cube{2, 5, 5, 5};
  for (const char* op : {"Add", "Sub", "Mul"}) {
    GraphMaker g;
    const ValueId x =
        g.node("Transpose", 1, {g.input("x", cube)}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
    check_passes_agree(g, g.node(op, 6, {x, g.weights({5})}, along(1)));
  }
  GraphMaker rows;
  const ValueId product = rows.node("MatMul", 1, {rows.input("x", {5, 5}), rows.weights({5, 5})});
  check_passes_agree(rows, rows.node("Add", 6, {product, rows.weights({5})}, along(0)));
  GraphMaker stacked;
  const ValueId products =
      stacked.node("MatMul", 1, {stacked.input("x", {5, 5, 5}), stacked.weights({5, 5})});
  check_passes_agree(stacked, stacked.node("Add", 6, {products, stacked.weights({5})}, along(1)));
  GraphMaker slopes;
  const ValueId moved =
      slopes.node("Transpose", 1, {slopes.input("x", cube)}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  check_passes_agree(slopes, slopes.node("PRelu", 6, {moved, slopes.weights({5})}));
}

TEST_CASE("A scale of opset 6 along another axis is none of a layer norm", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2, 5, 5});
  const std::vector<int64_t> last{2};
  const ValueId centred =
      g.node("Sub", 6, {x, g.node("ReduceMean", 1, {x}, {{"axes", last}})}, {{"broadcast", int64_t{1}}});
  const ValueId variance = g.node("ReduceMean", 1, {g.node("Mul", 6, {centred, centred})}, {{"axes", last}});
  const ValueId deviation =
      g.node("Sqrt", 6, {g.node("Add", 6, {variance, g.scalar(1e-5)}, {{"broadcast", int64_t{1}}})});
  const ValueId normal = g.node("Div", 6, {centred, deviation}, {{"broadcast", int64_t{1}}});
  check_passes_agree(g, g.node("Mul", 6, {normal, g.weights({5})}, along(1)));
}

TEST_CASE("A node in its old form keeps its names", "[onnx]") {
  GraphMaker g;
  const ValueId y = g.node("Add", 6, {g.input("x", {2, 3, 4}), g.input("c", {3})}, along(1));
  const Graph graph = g.finish({y});
  CHECK(ops_of(graph) == "Unsqueeze Add");
  CHECK(graph.nodes[1].origin.names.front() == "Add0");
  CHECK(graph.nodes[1].attributes.empty());
}

TEST_CASE("A Softmax that flattens its rows leaves the axes before them alone", "[onnx]") {
  GraphMaker one_axis;
  const ValueId y = one_axis.node("Softmax", 9, {one_axis.input("x", {2, 3, 1, 1})});
  const Graph same = one_axis.finish({y});
  CHECK(ops_of(same) == "Softmax");
  CHECK(int_attribute(same.nodes[0], "axis", -1) == 1);
  GraphMaker rows;
  const Graph flat = rows.finish({rows.node("Softmax", 9, {rows.input("x", {2, 3, 4})})});
  CHECK(ops_of(flat) == "Reshape Softmax Reshape");
  CHECK(*flat[flat.nodes[0].outputs[0]].shape == Shape{2, 12});
  CHECK(flat.constant(flat.nodes[0].inputs[1])->to_int64s() == std::vector<int64_t>{0, 12});
}

TEST_CASE("An opset that is newer than any known here is an assumption", "[onnx]") {
  test::ModelBuilder builder = test::relu_model();
  CHECK(test::import_model(builder).graph.assumptions.empty());
  builder.model.mutable_opset_import(0)->set_version(kNewestOpset + 1);
  const auto assumptions = test::import_model(builder).graph.assumptions;
  REQUIRE(assumptions.size() == 1);
  CHECK(assumptions[0].what == "operators of opset " + std::to_string(kNewestOpset + 1));
  CHECK(!assumptions[0].is_obvious);
}

TEST_CASE("So is a newer opset of a function alone, or of ai.onnx.ml", "[onnx]") {
  test::ModelBuilder builder;
  builder.input("x", {2}).output("y");
  test::ModelBuilder::add_opset(builder.model, "local", 1);
  auto& function = builder.function("Block", {"a"}, {"r"}, kNewestOpset + 1);
  test::ModelBuilder::fill(*function.add_node(), "Relu", {"a"}, {"r"});
  builder.node("Block", {"x"}, {"y"}, "local");
  CHECK(test::import_model(builder).graph.assumptions.size() == 1);
  test::ModelBuilder::add_opset(builder.model, "ai.onnx.ml", 6);
  const auto assumptions = test::import_model(builder).graph.assumptions;
  REQUIRE(assumptions.size() == 2);
  CHECK(assumptions[1].what == "operators of opset 6 of ai.onnx.ml");
  CHECK(assumptions[1].value == "as in opset 5");
}

}  // namespace
}  // namespace onnxray
