#include "backends/reference/reference.h"
#include "onnx/specialise.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

namespace onnxray::test {
namespace {

using Proto = onnx::TensorProto;

void add_integers(onnx::GraphProto& graph, const std::string& name, const std::vector<int64_t>& values,
                  bool is_scalar = false) {
  Proto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(Proto::INT64);
  if (!is_scalar) tensor.add_dims(std::ssize(values));
  for (const int64_t value : values) tensor.add_int64_data(value);
}

Graph specialised(const ModelBuilder& builder, int64_t max_growth = GrowthBudget::of_file(0)) {
  const auto folder = make_reference_backend(true);
  const ImportedModel model = import_onnx(as_bytes(builder.bytes()), {}, OpRegistry::builtin(), max_growth);
  Specialisation special{.input_shapes = {{1, 4}}, .bound = {}};
  special.max_growth = max_growth;
  return specialise(model.graph, special, {}, OpRegistry::builtin(), *folder);
}

Error refusal(const ModelBuilder& builder, int64_t max_growth = GrowthBudget::of_file(0)) {
  return error_of([&] { specialised(builder, max_growth); });
}

ModelBuilder with_input() {
  ModelBuilder builder;
  builder.input("x", {1, 4}).output("y");
  return builder;
}

/// y = x + sum(square), where [side, side] `square` is a power of ones.
ModelBuilder powers(int64_t side, int products) {
  ModelBuilder builder = with_input();
  add_integers(builder.graph(), "shape", {side, side});
  builder.node("ConstantOfShape", {"shape"}, {"p0"});
  for (int i = 0; i < products; ++i)
    builder.node("MatMul", {"p" + std::to_string(i), "p0"}, {"p" + std::to_string(i + 1)}).set_name("power");
  set_int(builder.node("ReduceSum", {"p" + std::to_string(products)}, {"total"}), "keepdims", 0);
  builder.node("Add", {"x", "total"}, {"y"});
  return builder;
}

TEST_CASE("products of constants are computed once, as far as their arithmetic is within the budget") {
  CHECK(specialised(powers(64, 2)).nodes.size() == 1);
  const Error error = refusal(powers(512, 2), 16 << 20);
  CHECK(says(error, ErrorCode::unsupported, "MatMul-17 'power'"));
  CHECK(says(error, ErrorCode::unsupported, "known before running, would take 64 MB; of the 16 MB"));
}

TEST_CASE("a large constant of a small file is left to the program, and so is what comes of it") {
  ModelBuilder builder = with_input();
  add_integers(builder.graph(), "shape", {4096, 4096});
  builder.node("ConstantOfShape", {"shape"}, {"zeros"});
  add_integers(builder.graph(), "start", {0, 0});
  add_integers(builder.graph(), "end", {1, 4});
  builder.node("Slice", {"zeros", "start", "end"}, {"corner"});
  builder.node("Add", {"x", "corner"}, {"y"});
  const Graph graph = specialised(builder);
  for (const Value& value : graph.values) CHECK((!value.constant || value.constant->size() < 100));
  CHECK(*graph[graph.outputs[0]].shape == Shape{1, 4});
}

TEST_CASE("a shape that is made of a large constant is computed all the same") {
  ModelBuilder builder = with_input();
  add_integers(builder.graph(), "shape", {2048, 2048});
  builder.node("ConstantOfShape", {"shape"}, {"zeros"});
  set_int(builder.node("ReduceMax", {"zeros"}, {"none"}), "keepdims", 0);
  set_int(builder.node("Cast", {"none"}, {"offset"}), "to", Proto::INT64);
  add_integers(builder.graph(), "four", {1, 4});
  builder.node("Add", {"four", "offset"}, {"wanted"});
  builder.node("Reshape", {"x", "wanted"}, {"y"});
  const Graph graph = specialised(builder);
  CHECK(*graph[graph.outputs[0]].shape == Shape{1, 4});
}

/// v = Loop(trips; v = v + 1, and within each trip the same again `depth` - 1 times)
void add_loop(onnx::GraphProto& graph, int depth, const std::string& from, const std::string& to) {
  const std::string id = std::to_string(depth);
  auto& node = ModelBuilder::fill(*graph.add_node(), "Loop", {"trips", "", from}, {to});
  node.set_name("loop " + id);
  auto& attribute = *node.add_attribute();
  attribute.set_name("body");
  attribute.set_type(onnx::AttributeProto::GRAPH);
  auto& body = *attribute.mutable_g();
  for (const std::string name : {"trip", "condition", "v"}) body.add_input()->set_name(name + id);
  ModelBuilder::fill(*body.add_node(), "Identity", {"condition" + id}, {"goes_on" + id});
  if (depth > 1)
    add_loop(body, depth - 1, "v" + id, "next" + id);
  else
    ModelBuilder::fill(*body.add_node(), "Add", {"v" + id, "one"}, {"next" + id});
  for (const std::string name : {"goes_on", "next"}) body.add_output()->set_name(name + id);
}

ModelBuilder nested_loops(int depth, int64_t trips) {
  ModelBuilder builder = with_input();
  add_integers(builder.graph(), "trips", {trips}, true);
  builder.initialiser("one", {1}, {1});
  add_loop(builder.graph(), depth, "x", "y");
  return builder;
}

TEST_CASE("loops within loops are counted together, before the first trip") {
  CHECK(specialised(nested_loops(2, 5)).nodes.size() == 25);
  const Error error = refusal(nested_loops(2, 1000));
  CHECK(says(error, ErrorCode::unsupported, "Loop-17 'loop 2'"));
  CHECK(says(error, ErrorCode::unsupported, "the nodes of its trips would take"));
  CHECK(says(refusal(nested_loops(3, 20'000)), ErrorCode::unsupported, "the nodes of its trips"));
  CHECK(says(refusal(nested_loops(2, 5), 100'000), ErrorCode::unsupported, "the nodes of its trips"));
}

TEST_CASE("a loop whose trips are more than its file may make can be allowed") {
  const ModelBuilder builder = nested_loops(1, 100);
  CHECK(says(refusal(builder, 1 << 20), ErrorCode::unsupported, "max_growth"));
  CHECK(specialised(builder, 16 << 20).nodes.size() == 100);
}

TEST_CASE("the table of a resize is bounded before it is made") {
  ModelBuilder builder;
  builder.input("x", {1, 4}).output("y");
  builder.initialiser("scales", {2}, {1, 1e9F});
  builder.node("Resize", {"x", "", "scales"}, {"y"}).set_name("wide");
  const Error error = refusal(builder);
  CHECK(says(error, ErrorCode::unsupported, "Resize-17 'wide'"));
  CHECK(says(error, ErrorCode::unsupported, "a table would take"));
}

TEST_CASE("boxes that are constants are compared within the budget") {
  const auto suppressing = [](int64_t count) {
    ModelBuilder builder = with_input();
    builder.initialiser("boxes", {1, count, 4}, std::vector<float>(static_cast<size_t>(4 * count), 0.5F));
    builder.initialiser("scores", {1, 1, count}, std::vector<float>(static_cast<size_t>(count), 0.5F));
    add_integers(builder.graph(), "most", {count}, true);
    builder.node("NonMaxSuppression", {"boxes", "scores", "most"}, {"kept"}).set_name("nms");
    set_int(builder.node("Cast", {"kept"}, {"places"}), "to", Proto::FLOAT);
    set_int(builder.node("ReduceSum", {"places"}, {"total"}), "keepdims", 0);
    builder.node("Add", {"x", "total"}, {"y"});
    return builder;
  };
  CHECK(specialised(suppressing(100)).nodes.size() == 1);
  CHECK(says(refusal(suppressing(20'000), 64 << 20), ErrorCode::unsupported, "NonMaxSuppression-17 'nms'"));
}

TEST_CASE("a name of many scopes takes memory by its length") {
  ModelBuilder builder = with_input();
  std::string name;
  for (int i = 0; i < 5000; ++i) name += "/a" + std::to_string(i);
  builder.node("Relu", {"x"}, {"y"}).set_name(name + "/Relu");
  const Graph graph = import_onnx(as_bytes(builder.bytes()), {}, OpRegistry::builtin()).graph;
  size_t bytes = 0;
  for (const std::string& scope : graph.nodes[0].origin.scopes) bytes += scope.size();
  CHECK(bytes < 100 * name.size());
  CHECK(graph.nodes[0].origin.scopes[1] == "a0.a1");
}

}  // namespace
}  // namespace onnxray::test
