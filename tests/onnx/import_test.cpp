#include "onnx/import.h"

#include "onnx/scopes.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

TEST_CASE("A model's header is read", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.model.set_producer_name("pytorch");
  builder.model.set_producer_version("2.5");
  ModelBuilder::add_opset(builder.model, "com.microsoft", 1);
  const ImportedModel model = import_model(builder);
  CHECK(model.ir_version == 8);
  CHECK(model.opsets == std::map<std::string, int64_t>{{"", 17}, {"com.microsoft", 1}});
  CHECK(model.producer == "pytorch 2.5");
  CHECK(model.notes.empty());
}

TEST_CASE("Inputs keep symbols, open extents and open ranks", "[onnx]") {
  ModelBuilder builder;
  builder.input("x", {-1, 3, 4}).input("fixed", {2, 5}).input("open", {}).output("x");
  auto& dims = *builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  dims.mutable_dim(2)->clear_value();
  builder.graph().mutable_input(2)->mutable_type()->mutable_tensor_type()->clear_shape();
  const Graph graph = import_model(builder).graph;
  REQUIRE(graph.inputs.size() == 3);
  const auto& extents = graph.inputs[0].extents;
  REQUIRE(extents.size() == 3);
  CHECK(std::get<std::string>(extents[0]) == "batch");
  CHECK(std::get<int64_t>(extents[1]) == 3);
  CHECK(std::get<std::string>(extents[2]).empty());
  CHECK(graph.inputs[0].has_shape);
  CHECK(graph[graph.inputs[0].value].dtype == DType::f32);
  CHECK_FALSE(graph[graph.inputs[0].value].shape);
  CHECK(graph[graph.inputs[1].value].shape == Shape{2, 5});
  CHECK_FALSE(graph.inputs[2].has_shape);
}

TEST_CASE("Initialisers and Constant nodes of every form become constants", "[onnx]") {
  ModelBuilder builder;
  builder.output("sum");
  builder.initialiser("w", {2}, {1, 2});
  const auto constant = [&](const std::string& output, const std::string& form) -> onnx::AttributeProto& {
    auto& attribute = *builder.node("Constant", {}, {output}).add_attribute();
    attribute.set_name(form);
    return attribute;
  };
  auto& f = constant("f", "value_float");
  f.set_type(onnx::AttributeProto::FLOAT), f.set_f(1.5F);
  auto& i = constant("i", "value_ints");
  i.set_type(onnx::AttributeProto::INTS), i.add_ints(3), i.add_ints(4);
  auto& t = constant("t", "value");  // without a type, as the first IR version wrote it
  t.mutable_t()->set_data_type(onnx::TensorProto::DOUBLE), t.mutable_t()->add_double_data(2.5);
  builder.node("Add", {"w", "f", "i", "t"}, {"sum"});
  const Graph graph = import_model(builder).graph;
  REQUIRE(graph.nodes.size() == 1);
  const auto& inputs = graph.nodes[0].inputs;
  REQUIRE(inputs.size() == 4);
  CHECK(graph.constant(inputs[0])->to_doubles() == std::vector<double>{1, 2});
  CHECK(graph.constant(inputs[1])->shape().empty());
  CHECK(graph.constant(inputs[1])->as_double(0) == 1.5);
  CHECK(graph.constant(inputs[2])->dtype() == DType::i64);
  CHECK(graph.constant(inputs[2])->to_int64s() == std::vector<int64_t>{3, 4});
  CHECK(graph.constant(inputs[3])->dtype() == DType::f64);
  CHECK(graph[inputs[3]].shape == Shape{});
}

TEST_CASE("A graph input with an initialiser is a constant", "[onnx]") {
  ModelBuilder builder;
  builder.model.set_ir_version(3);
  builder.input("x", {2}).input("w", {2}).output("y");
  builder.initialiser("w", {2}, {1, 2});
  builder.node("Add", {"x", "w"}, {"y"});
  const ImportedModel model = import_model(builder);
  CHECK(model.graph.inputs.size() == 1);
  CHECK(model.graph.constant(model.graph.nodes[0].inputs[1]) != nullptr);
  CHECK(model.notes.size() == 1);
}

TEST_CASE("Attributes keep their types", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& node = *builder.graph().mutable_node(0);
  set_int(node, "axis", -1);
  const auto add = [&](const char* name, onnx::AttributeProto::AttributeType type) -> onnx::AttributeProto& {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    return attribute;
  };
  add("alpha", onnx::AttributeProto::FLOAT).set_f(0.5F);
  add("mode", onnx::AttributeProto::STRING).set_s("linear");
  add("none", onnx::AttributeProto::INTS);
  add("scales", onnx::AttributeProto::FLOATS).add_floats(2);
  add("words", onnx::AttributeProto::STRINGS).add_strings("a");
  auto& tensor = *add("value", onnx::AttributeProto::TENSOR).mutable_t();
  tensor.set_data_type(onnx::TensorProto::INT32), tensor.add_dims(1), tensor.add_int32_data(-7);
  const Node n = import_model(builder).graph.nodes.at(0);
  CHECK(int_attribute(n, "axis", 0) == -1);
  CHECK(float_attribute(n, "alpha", 0) == 0.5);
  CHECK(string_attribute(n, "mode", "") == "linear");
  CHECK(has_attribute(n, "none"));
  CHECK(ints_attribute(n, "none").empty());
  CHECK(floats_attribute(n, "scales") == std::vector<double>{2});
  CHECK(std::get<std::vector<std::string>>(n.attributes.at("words")) == std::vector<std::string>{"a"});
  CHECK(tensor_attribute(n, "value")->as_int64(0) == -7);
}

TEST_CASE("Nodes are sorted, and those that no output needs are dropped", "[onnx]") {
  ModelBuilder builder;
  builder.input("x", {2}).output("y");
  builder.node("Softmax", {"h"}, {"y"});
  builder.node("Dropout", {"x"}, {"unused"});
  builder.node("Relu", {"x"}, {"h"});
  const ImportedModel model = import_model(builder);
  REQUIRE(model.graph.nodes.size() == 2);
  CHECK(model.graph.nodes[0].op == "Relu");
  CHECK(model.graph.nodes[1].op == "Softmax");
  CHECK(model.notes.size() == 1);
}

TEST_CASE("Omitted inputs and outputs are kNoValue, and trailing omitted inputs are dropped", "[onnx]") {
  ModelBuilder builder;
  builder.input("x", {2}).output("mask");
  builder.node("Dropout", {"x", "", "x", "", ""}, {"", "mask"}, "ai.onnx");
  const Node node = import_model(builder).graph.nodes.at(0);
  REQUIRE(node.inputs.size() == 3);
  CHECK(node.inputs[1] == kNoValue);
  CHECK(node.outputs[0] == kNoValue);
  CHECK(node.domain.empty());
  CHECK(node.opset == 17);
}

TEST_CASE("A node keeps its names and the module paths that torch noted", "[onnx]") {
  ModelBuilder builder = relu_model();
  onnx::StringStringEntryProto entry;
  entry.set_key("pkg.torch.onnx.name_scopes");
  entry.set_value("['', 'layer1', 'layer1.0', 'relu_3']");
  add_unknown(*builder.graph().mutable_node(0), 9, entry.SerializeAsString());
  const Origin origin = import_model(builder).graph.nodes.at(0).origin;
  CHECK(origin.names == std::vector<std::string>{"relu", "y"});
  CHECK(origin.scopes == std::vector<std::string>{"layer1", "layer1.0"});
}

TEST_CASE("the names that TorchScript gives hold module paths", "[onnx]") {
  using Strings = std::vector<std::string>;
  CHECK(scopes_of_name("/features/features.0/Conv") == Strings{"features", "features.0"});
  CHECK(scopes_of_name("/blocks/blocks.1/body/body.3/Relu") ==
        Strings{"blocks", "blocks.1", "blocks.1.body", "blocks.1.body.3"});
  CHECK(scopes_of_name("/fc/Gemm") == Strings{"fc"});
  CHECK(scopes_of_name("/Flatten").empty());
  CHECK(scopes_of_name("model/dense/MatMul").empty());
  CHECK(scopes_of_name("/").empty());
}

TEST_CASE("Python lists are parsed as repr writes them", "[onnx]") {
  using Strings = std::vector<std::string>;
  CHECK(parse_python_list("['a', \"b'c\", 'd\\'e']") == Strings{"a", "b'c", "d'e"});
  CHECK(parse_python_list("[]").empty());
  for (const char* broken : {"", "[", "['a", "['a'", "['a\\", "{'a'}", "[1, 2]", "['a' 'b"}) {
    CHECK(parse_python_list(broken).empty());
  }
}

TEST_CASE("IR versions of the future are accepted with a note, opsets with an assumption", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.model.set_ir_version(99);
  builder.model.mutable_opset_import(0)->set_version(99);
  const ImportedModel model = import_model(builder);
  CHECK(model.graph.nodes[0].opset == 99);
  CHECK(model.notes.size() == 1);
  CHECK(model.graph.assumptions.size() == 1);
}
