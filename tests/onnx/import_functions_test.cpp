#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

namespace {

onnx::AttributeProto int_value(const std::string& name, int64_t value) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}

void refer(onnx::NodeProto& node, const std::string& name, const std::string& to) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_ref_attr_name(to);
}

onnx::NodeProto& body(onnx::FunctionProto& function, const std::string& op, const ModelBuilder::Names& inputs,
                      const ModelBuilder::Names& outputs, const std::string& domain = "") {
  return ModelBuilder::fill(*function.add_node(), op, inputs, outputs, domain);
}

/// x -> Block(axis: 5) -> y, where Block is Softmax(axis: @axis) after Relu.
ModelBuilder block_model() {
  ModelBuilder builder;
  builder.input("x", {2}).output("y");
  auto& block = builder.function("Block", {"a"}, {"r"}, 13);
  block.add_attribute("axis");
  body(block, "Relu", {"a"}, {"h"});
  auto& softmax = body(block, "Softmax", {"h"}, {"r"});
  softmax.set_name("soft");
  refer(softmax, "axis", "axis");
  set_int(builder.node("Block", {"x"}, {"y"}, "local"), "axis", 5);
  builder.graph().mutable_node(0)->set_name("block_1");
  return builder;
}

}  // namespace

TEST_CASE("A local function is expanded with its own opset and attribute references", "[onnx]") {
  const Graph graph = import_model(block_model()).graph;
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].opset == 13);
  CHECK(graph[graph.nodes[0].outputs[0]].name == "block_1/h");
  CHECK(graph.nodes[1].outputs[0] == graph.outputs[0]);
  CHECK(int_attribute(graph.nodes[1], "axis", 0) == 5);
  CHECK(graph.nodes[1].origin.names == std::vector<std::string>{"block_1/soft", "y", "block_1"});
}

TEST_CASE("Attribute defaults of a function are recovered and overridden by the call", "[onnx]") {
  ModelBuilder builder = block_model();
  auto& function = *builder.model.mutable_functions(0);
  function.clear_attribute();
  add_unknown(function, 11, int_value("axis", 9).SerializeAsString());
  CHECK(int_attribute(import_model(builder).graph.nodes.at(1), "axis", 0) == 5);
  builder.graph().mutable_node(0)->clear_attribute();
  CHECK(int_attribute(import_model(builder).graph.nodes.at(1), "axis", 0) == 9);
}

TEST_CASE("A reference to an attribute that the call omits is no attribute", "[onnx]") {
  ModelBuilder builder = block_model();
  builder.graph().mutable_node(0)->clear_attribute();
  CHECK_FALSE(has_attribute(import_model(builder).graph.nodes.at(1), "axis"));
}

TEST_CASE("Nested calls pass attributes on and expand each time", "[onnx]") {
  ModelBuilder builder = block_model();
  auto& twice = builder.function("Twice", {"p"}, {"q"});
  twice.add_attribute("which");
  refer(body(twice, "Block", {"p"}, {"m"}, "local"), "axis", "which");
  refer(body(twice, "Block", {"m"}, {"q"}, "local"), "axis", "which");
  auto& call = *builder.graph().mutable_node(0);
  call.set_op_type("Twice");
  call.mutable_attribute(0)->set_name("which");
  const Graph graph = import_model(builder).graph;
  REQUIRE(graph.nodes.size() == 4);
  CHECK(int_attribute(graph.nodes[1], "axis", 0) == 5);
  CHECK(int_attribute(graph.nodes[3], "axis", 0) == 5);
  CHECK(graph[graph.nodes[2].outputs[0]].name == "block_1/q/h");
  CHECK(graph.nodes[3].origin.names ==
        std::vector<std::string>{"block_1/q/soft", "y", "block_1/q", "block_1"});
}

TEST_CASE("Overloads of a function are told apart", "[onnx]") {
  ModelBuilder builder = relu_model();
  for (const char* overload : {"one", "two"}) {
    auto& function = builder.function("Pick", {"a"}, {"r"});
    body(function, std::string(overload) == "one" ? "Relu" : "Softmax", {"a"}, {"r"});
    add_unknown(function, 13, overload);
  }
  auto& node = *builder.graph().mutable_node(0);
  node.set_op_type("Pick");
  node.set_domain("local");
  add_unknown(node, 8, "two");
  CHECK(import_model(builder).graph.nodes.at(0).op == "Softmax");
}

TEST_CASE("A function may return its input and omit what the call omits", "[onnx]") {
  ModelBuilder builder;
  builder.input("x", {2}).output("y").output("z");
  auto& function = builder.function("F", {"a", "optional"}, {"a", "r", "spare"});
  body(function, "Clip", {"a", "", "optional"}, {"r"});
  body(function, "Relu", {"a"}, {"spare"});
  builder.node("F", {"x"}, {"y", "z"}, "local");
  const Graph graph = import_model(builder).graph;
  REQUIRE(graph.nodes.size() == 2);
  CHECK(graph.nodes[0].op == "Identity");
  CHECK(graph.nodes[1].inputs.size() == 1);
}

TEST_CASE("A tensor that a call passes in is shared by all who refer to it", "[onnx]") {
  ModelBuilder builder;
  builder.input("x", {2}).output("y");
  auto& function = builder.function("F", {"a"}, {"r"});
  for (const char* output : {"c1", "c2"}) {
    auto& attribute = *body(function, "Constant", {}, {output}).add_attribute();
    attribute.set_name("value");
    attribute.set_type(onnx::AttributeProto::TENSOR);
    attribute.set_ref_attr_name("t");
  }
  body(function, "Add", {"c1", "c2"}, {"r"});
  auto& given = *builder.node("F", {"x"}, {"y"}, "local").add_attribute();
  given.set_name("t");
  given.set_type(onnx::AttributeProto::TENSOR);
  given.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  given.mutable_t()->set_raw_data(std::string(4, '\0'));
  const Graph graph = import_model(builder).graph;
  const auto& inputs = graph.nodes.at(0).inputs;
  CHECK(graph.constant(inputs[0])->bytes() == graph.constant(inputs[1])->bytes());
}

TEST_CASE("Malformed functions are errors that name them", "[onnx]") {
  SECTION("a function that calls itself") {
    ModelBuilder builder = block_model();
    body(*builder.model.mutable_functions(0), "Block", {"a"}, {"z"}, "local");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'Block' calls itself"));
  }
  SECTION("an output that nothing computes") {
    ModelBuilder builder = block_model();
    builder.model.mutable_functions(0)->mutable_node(1)->set_output(0, "other");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'Block' never computes its output 'r'"));
  }
  SECTION("too many inputs in a call") {
    ModelBuilder builder = block_model();
    builder.graph().mutable_node(0)->add_input("x");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "has 2 inputs"));
  }
  SECTION("an undefined value in a body") {
    ModelBuilder builder = block_model();
    builder.model.mutable_functions(0)->mutable_node(0)->set_input(0, "x");
    CHECK(says(error_of(builder), ErrorCode::bad_file,
               "reads 'x', which nothing defines (in the function call 'block_1')"));
  }
  SECTION("two functions of one name") {
    ModelBuilder builder = block_model();
    builder.function("Block", {}, {});
    CHECK(says(error_of(builder), ErrorCode::bad_file, "'Block' of domain 'local' is defined twice"));
  }
  SECTION("a reference outside of any function") {
    ModelBuilder builder = relu_model();
    refer(*builder.graph().mutable_node(0), "axis", "axis");
    CHECK(says(error_of(builder), ErrorCode::bad_file, "outside of any function"));
  }
  SECTION("a reference to an attribute of another type") {
    ModelBuilder builder = block_model();
    builder.graph().mutable_node(0)->mutable_attribute(0)->set_type(onnx::AttributeProto::FLOAT);
    CHECK(says(error_of(builder), ErrorCode::bad_file, "another type"));
  }
}

TEST_CASE("Functions that double with every level are stopped", "[onnx]") {
  ModelBuilder builder = block_model();
  std::string inner = "Block";
  for (int level = 0; level < 40; ++level) {
    auto& function = builder.function("Level" + std::to_string(level), {"a"}, {"r"});
    body(function, inner, {"a"}, {"m"}, "local");
    body(function, inner, {"m"}, {"r"}, "local");
    inner = function.name();
  }
  builder.graph().mutable_node(0)->set_op_type(inner);
  CHECK(says(error_of(builder), ErrorCode::unsupported, "the expansion of local functions would take"));
}
