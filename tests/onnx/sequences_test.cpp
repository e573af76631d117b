#include "backends/reference/reference.h"
#include "core/backend.h"
#include "onnx/specialise.h"
#include "tests/catch.h"
#include "tests/onnx/model_builder.h"

namespace onnxray::test {
namespace {

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

void number(ModelBuilder& builder, const std::string& name, int64_t value) {
  auto& tensor = *builder.graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_int64_data(value);
}

TEST_CASE("a sequence that is split, read and joined becomes nodes over its tensors") {
  ModelBuilder b;
  b.input("x", {-1, 4}).output("y");
  number(b, "last", -1);
  set_int(b.node("SplitToSequence", {"x"}, {"parts"}), "axis", 1);
  b.node("SequenceAt", {"parts", "last"}, {"part"});
  b.node("Relu", {"part"}, {"relu"});
  b.node("SequenceErase", {"parts", "last"}, {"without"});
  b.node("SequenceInsert", {"without", "relu"}, {"with"});
  b.node("Identity", {"with"}, {"same"});
  set_int(b.node("ConcatFromSequence", {"same"}, {"y"}), "axis", 1);
  const Graph graph = specialised(b, {2, 4});
  CHECK(ops_of(graph) == "Split Relu Concat");
  CHECK(graph[graph.outputs[0]].shape == Shape{2, 4});
}

TEST_CASE("parts may be squeezed and stacked; the length of a sequence is known") {
  ModelBuilder b;
  b.input("x", {-1, 3}).output("y").output("n");
  onnx::NodeProto& split = b.node("SplitToSequence", {"x"}, {"parts"});
  set_int(split, "axis", 1);
  set_int(split, "keepdims", 0);
  onnx::NodeProto& concat = b.node("ConcatFromSequence", {"parts"}, {"y"});
  set_int(concat, "axis", 0);
  set_int(concat, "new_axis", 1);
  b.node("SequenceLength", {"parts"}, {"n"});
  const Graph graph = specialised(b, {2, 3});
  CHECK(graph[graph.outputs[0]].shape == Shape{3, 2});
  REQUIRE(graph.constant(graph.outputs[1]));
  CHECK(graph.constant(graph.outputs[1])->as_int64(0) == 3);
}

TEST_CASE("a split by one extent leaves a smaller rest") {
  ModelBuilder b;
  b.input("x", {-1, 5}).output("y");
  number(b, "each", 2);
  number(b, "at", 2);
  set_int(b.node("SplitToSequence", {"x", "each"}, {"parts"}), "axis", 1);
  b.node("SequenceAt", {"parts", "at"}, {"y"});
  const Graph graph = specialised(b, {2, 5});
  CHECK(graph[graph.outputs[0]].shape == Shape{2, 1});
}

TEST_CASE("what cannot be known of a sequence is refused by name, with advice") {
  ModelBuilder ends;
  ends.input("x", {-1, 3}).output("parts");
  ends.node("SplitToSequence", {"x"}, {"parts"}).set_name("apart");
  CHECK(says(error_of([&] {
               specialised(ends, {2, 3});
             }),
             ErrorCode::unsupported, "output 'parts' is a sequence of 2 tensors"));

  ModelBuilder reads;
  reads.input("x", {-1, 3}).output("y");
  reads.node("SplitToSequence", {"x"}, {"parts"});
  reads.node("Relu", {"parts"}, {"y"}).set_name("wrong");
  CHECK(says(error_of([&] {
               specialised(reads, {2, 3});
             }),
             ErrorCode::unsupported, "Relu-17 'wrong': its input 'parts' is a sequence"));

  ModelBuilder position;
  position.input("x", {-1, 3}).output("y");
  position.node("SplitToSequence", {"x"}, {"parts"});
  set_int(position.node("ArgMax", {"x"}, {"best"}), "axis", 0);
  position.node("SequenceAt", {"parts", "best"}, {"y"}).set_name("pick");
  CHECK(says(error_of([&] {
               specialised(position, {2, 3});
             }),
             ErrorCode::unsupported, "SequenceAt-17 'pick': its position depends on the data"));
}

}  // namespace
}  // namespace onnxray::test
