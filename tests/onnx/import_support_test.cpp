#include "onnx/support_advice.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

using namespace onnxray;
using namespace onnxray::test;

namespace {

ModelBuilder two_unknown_operators() {
  ModelBuilder builder;
  ModelBuilder::add_opset(builder.model, "com.microsoft", 1);
  builder.input("x", {2}).output("y");
  builder.node("Multinomial", {"x"}, {"a"}).set_name("draw");
  builder.node("FusedConv", {"a"}, {"b"}, "com.microsoft").set_name("first");
  builder.node("FusedConv", {"b"}, {"y"}, "com.microsoft");
  return builder;
}

}  // namespace

TEST_CASE("Every unsupported operator is listed at once with opset, nodes and advice", "[onnx]") {
  const Error error = error_of(two_unknown_operators());
  CHECK(
      says(error, ErrorCode::unsupported, "'Multinomial' (opset 17), 1 node: 'draw'; draws random numbers"));
  CHECK(says(error, ErrorCode::unsupported,
             "'com.microsoft.FusedConv' (opset 1), 2 nodes: 'first', 'y'; written by"));
}

TEST_CASE("Unsupported nodes that no output needs do not matter", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.node("Multinomial", {"x"}, {"unused"});
  CHECK(import_model(builder).graph.nodes.size() == 1);
}

TEST_CASE("An operator that is newer than the model's opset names the opset to export with", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.graph().mutable_node(0)->set_op_type("Gelu");
  CHECK(says(error_of(builder), ErrorCode::unsupported, "known from opset 20 on"));
  builder.model.mutable_opset_import(0)->set_version(20);
  CHECK(import_model(builder).graph.nodes.size() == 1);
}

TEST_CASE("Operators with subgraphs are reported by name", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& node = *builder.graph().mutable_node(0);
  node.set_op_type("If");
  auto& branch = *node.add_attribute();
  branch.set_name("then_branch");
  branch.set_type(onnx::AttributeProto::GRAPH);
  branch.mutable_g()->add_node()->set_op_type("Relu");
  CHECK(says(error_of(builder), ErrorCode::unsupported, "'If' (opset 17), 1 node: 'relu'"));
  node.set_op_type("Relu");
  CHECK(says(error_of(builder), ErrorCode::unsupported,
             "'then_branch' of the 'Relu' node 'relu' holds a subgraph"));
}

TEST_CASE("Element types that cannot be held matter only where they are used", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& tensor = builder.initialiser("w8", {1}, {});
  tensor.set_data_type(17);
  tensor.set_raw_data("x");
  CHECK(import_model(builder).graph.nodes.size() == 1);
  builder.graph().mutable_node(0)->add_input("w8");
  CHECK(
      says(error_of(builder), ErrorCode::unsupported, "initialiser 'w8' has the element type FLOAT8E4M3FN"));
  tensor.set_data_type(123);
  CHECK(says(error_of(builder), ErrorCode::bad_file, "unknown element type 123"));
}

TEST_CASE("Sparse and textual constants are refused by name", "[onnx]") {
  ModelBuilder builder = relu_model();
  builder.graph().add_sparse_initializer()->mutable_values()->set_name("thin");
  CHECK(import_model(builder).graph.nodes.size() == 1);
  builder.graph().mutable_node(0)->add_input("thin");
  builder.graph().mutable_node(0)->add_input("text");
  auto& attribute = *builder.node("Constant", {}, {"text"}).add_attribute();
  attribute.set_name("value_string");
  attribute.set_type(onnx::AttributeProto::STRING);
  const Error error = error_of(builder);
  CHECK(says(error, ErrorCode::unsupported, "initialiser 'thin' is sparse"));
  CHECK(says(error, ErrorCode::unsupported, "is text, not numbers"));
}

TEST_CASE("Inputs that are no tensors are refused by name", "[onnx]") {
  ModelBuilder builder = relu_model();
  auto& info = *builder.graph().add_input();
  info.set_name("many");
  info.mutable_type()->mutable_sequence_type();
  builder.input("words", {1}, onnx::TensorProto::STRING);
  const Error error = error_of(builder);
  CHECK(says(error, ErrorCode::unsupported, "input 'many' is a sequence"));
  CHECK(says(error, ErrorCode::unsupported, "input 'words' has the element type STRING"));
}

TEST_CASE("Advice is given for operators of every kind", "[onnx]") {
  CHECK(support_advice("com.microsoft", "QLinearWhere").find("float model") != std::string::npos);
  CHECK(support_advice("", "RandomNormal").find("random") != std::string::npos);
  CHECK(support_advice("", "Brandnew").find("not implemented") != std::string::npos);
  CHECK(support_advice("my.company", "Op").find("local function") != std::string::npos);
}
