#include "backends/reference/reference.h"
#include "onnx/specialise.h"
#include "ops/lower_graph.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

namespace onnxray::test {
namespace {

onnx::GraphProto& set_graph(onnx::NodeProto& node, const std::string& name) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::GRAPH);
  return *attribute.mutable_g();
}

void add(onnx::GraphProto& graph, const std::string& op, const ModelBuilder::Names& inputs,
         const std::string& output) {
  ModelBuilder::fill(*graph.add_node(), op, inputs, {output});
}

onnx::TensorProto& integer(onnx::GraphProto& graph, const std::string& name, int64_t value) {
  auto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_int64_data(value);
  return tensor;
}

onnx::TensorProto& truth(onnx::GraphProto& graph, const std::string& name, bool value) {
  auto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::BOOL);
  tensor.add_int32_data(value ? 1 : 0);
  return tensor;
}

Graph specialised(const ModelBuilder& builder, const Shape& x) {
  const auto folder = make_reference_backend(true);
  const ImportedModel model = import_onnx(as_bytes(builder.bytes()), {}, OpRegistry::builtin());
  return specialise(model.graph, {{x}, {}}, {}, OpRegistry::builtin(), *folder);
}

std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += (text.empty() ? "" : " ") + node.op;
  return text;
}

std::string error_text(const ModelBuilder& builder, const Shape& x) {
  try {
    specialised(builder, x);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

/// y = If(condition) { Relu(x) } else { Exp(x) }
ModelBuilder branching() {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).output("y");
  return builder;
}

void add_if(ModelBuilder& builder, const std::string& condition) {
  auto& node = builder.node("If", {condition}, {"y"});
  node.set_name("choice");
  auto& then = set_graph(node, "then_branch");
  add(then, "Relu", {"x"}, "a");
  then.add_output()->set_name("a");
  auto& otherwise = set_graph(node, "else_branch");
  add(otherwise, "Exp", {"x"}, "b");
  otherwise.add_output()->set_name("b");
}

TEST_CASE("an If whose condition is constant becomes the branch that it takes") {
  for (const bool taken : {true, false}) {
    ModelBuilder builder = branching();
    truth(builder.graph(), "condition", taken);
    add_if(builder, "condition");
    const Graph graph = specialised(builder, {1, 2});
    CHECK(ops_of(graph) == (taken ? "Relu" : "Exp"));
    CHECK(graph[graph.outputs[0]].name == "y");
    CHECK(std::ranges::count(graph.nodes[0].origin.names, "choice") == 1);
  }
}

TEST_CASE("an If whose condition follows from a shape is decided for each shape") {
  ModelBuilder builder = branching();
  builder.node("Size", {"x"}, {"size"});
  integer(builder.graph(), "four", 4);
  builder.node("Less", {"size", "four"}, {"small"});
  add_if(builder, "small");
  CHECK(ops_of(specialised(builder, {1, 2})) == "Relu");
  CHECK(ops_of(specialised(builder, {2, 2})) == "Exp");
}

TEST_CASE("an If whose condition depends on the data is refused by name") {
  ModelBuilder builder = branching();
  builder.node("ReduceSum", {"x"}, {"sum"});
  builder.initialiser("zero", {}, {0});
  builder.node("Less", {"sum", "zero"}, {"negative"});
  add_if(builder, "negative");
  CHECK_THAT(error_text(builder, {1, 2}),
             Catch::Contains("'choice'") && Catch::Contains("its condition depends on the data"));
}

TEST_CASE("a boolean input that decides a branch is bound") {
  ModelBuilder builder = branching();
  builder.input("flag", {}, onnx::TensorProto::BOOL);
  add_if(builder, "flag");
  const ImportedModel model = import_onnx(as_bytes(builder.bytes()), {}, OpRegistry::builtin());
  REQUIRE(bound_inputs(model.graph, OpRegistry::builtin()).size() == 1);
  CHECK(model.graph[bound_inputs(model.graph, OpRegistry::builtin())[0]].name == "flag");
}

/// v = x; three times: v = v + w (an outer value), and each v is stacked
ModelBuilder looping() {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).output("last").output("all");
  integer(builder.graph(), "trips", 3);
  builder.initialiser("w", {2}, {1, 10});
  auto& node = builder.node("Loop", {"trips", "", "x"}, {"last", "all"});
  node.set_name("loop");
  auto& body = set_graph(node, "body");
  for (const char* name : {"trip", "go", "v"}) body.add_input()->set_name(name);
  add(body, "Add", {"v", "w"}, "v_next");
  add(body, "Identity", {"go"}, "go_on");
  for (const char* name : {"go_on", "v_next", "v_next"}) body.add_output()->set_name(name);
  return builder;
}

TEST_CASE("a Loop with a constant number of trips becomes its body that many times") {
  const Graph graph = specialised(looping(), {1, 2});
  CHECK(ops_of(graph) == "Add Add Add Unsqueeze Unsqueeze Unsqueeze Concat");
  CHECK(*graph[graph.outputs[0]].shape == Shape{1, 2});
  CHECK(*graph[graph.outputs[1]].shape == Shape{3, 1, 2});
}

TEST_CASE("a Loop ends when its condition says so") {
  ModelBuilder builder = looping();
  auto& body = *builder.graph().mutable_node(0)->mutable_attribute(0)->mutable_g();
  body.mutable_node(1)->set_op_type("Less");
  body.mutable_node(1)->set_input(0, "trip");
  body.mutable_node(1)->add_input("one");
  integer(builder.graph(), "one", 1);
  CHECK(*specialised(builder, {1, 2})[specialised(builder, {1, 2}).outputs[1]].shape == Shape{2, 1, 2});
}

TEST_CASE("a Loop that would never end is refused") {
  ModelBuilder builder = looping();
  builder.graph().mutable_node(0)->set_input(0, "");
  truth(builder.graph(), "yes", true);
  builder.graph().mutable_node(0)->set_input(1, "yes");
  CHECK_THAT(error_text(builder, {1, 2}), Catch::Contains("it makes more than 20000 trips"));
}

TEST_CASE("a Scan takes its input apart and joins what its body gives") {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).output("total").output("sums");
  builder.initialiser("start", {2}, {0, 0});
  auto& node = builder.node("Scan", {"start", "x"}, {"total", "sums"});
  set_int(node, "num_scan_inputs", 1);
  auto& body = set_graph(node, "body");
  for (const char* name : {"sum", "row"}) body.add_input()->set_name(name);
  add(body, "Add", {"sum", "row"}, "next");
  for (const char* name : {"next", "next"}) body.add_output()->set_name(name);
  const Graph graph = specialised(builder, {3, 2});
  CHECK(*graph[graph.outputs[0]].shape == Shape{2});
  CHECK(*graph[graph.outputs[1]].shape == Shape{3, 2});
}

TEST_CASE("a branch within a loop reads the values of the trip that it is in") {
  ModelBuilder builder = looping();
  auto& body = *builder.graph().mutable_node(0)->mutable_attribute(0)->mutable_g();
  integer(builder.graph(), "one", 1);
  add(body, "Less", {"trip", "one"}, "first");
  auto& choice = *body.add_node();
  ModelBuilder::fill(choice, "If", {"first"}, {"chosen"});
  for (const auto& [branch, op] : {std::pair("then_branch", "Exp"), std::pair("else_branch", "Tanh")}) {
    auto& inner = set_graph(choice, branch);
    add(inner, op, {"v_next"}, "r");
    inner.add_output()->set_name("r");
  }
  body.mutable_output(1)->set_name("chosen");
  body.mutable_output(2)->set_name("chosen");
  CHECK(ops_of(specialised(builder, {1, 2})) ==
        "Add Exp Add Tanh Add Tanh Unsqueeze Unsqueeze Unsqueeze Concat");
}

TEST_CASE("an unsupported operator within a branch is reported with the rest") {
  ModelBuilder builder = branching();
  truth(builder.graph(), "condition", true);
  add_if(builder, "condition");
  auto& branch = *builder.graph().mutable_node(0)->mutable_attribute(1)->mutable_g();
  branch.mutable_node(0)->set_op_type("StringNormalizer");
  CHECK_THAT(error_text(builder, {1, 2}), Catch::Contains("'StringNormalizer' (opset 17)"));
}

}  // namespace
}  // namespace onnxray::test
