#include <cmath>

#include "tests/api/model_file.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

Tensor row(const std::vector<float>& values) {
  return Tensor::of<float>({1, static_cast<int64_t>(values.size())}, values);
}

onnx::GraphProto& set_graph(onnx::NodeProto& node, const std::string& name) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::GRAPH);
  return *attribute.mutable_g();
}

void scaled_branch(onnx::NodeProto& node, const std::string& branch, const std::string& factor) {
  onnx::GraphProto& graph = set_graph(node, branch);
  ModelBuilder::fill(*graph.add_node(), "Mul", {"x", factor}, {branch + "_y"});
  graph.add_output()->set_name(branch + "_y");
}

/// x[1,2] -> 3 x where the sum of x is above 0, else -2 x
ModelBuilder branching() {
  ModelBuilder b;
  b.input("x", {1, 2}).output("y");
  b.initialiser("three", {}, {3});
  b.initialiser("minus_two", {}, {-2});
  b.initialiser("zero", {}, {0});
  set_int(b.node("ReduceSum", {"x"}, {"sum"}), "keepdims", 0);
  b.node("Greater", {"sum", "zero"}, {"positive"});
  onnx::NodeProto& node = b.node("If", {"positive"}, {"y"});
  node.set_name("branch");
  scaled_branch(node, "then_branch", "three");
  scaled_branch(node, "else_branch", "minus_two");
  return b;
}

std::vector<double> gradient_of(Session& session, const Tensor& x, const std::string& method = "gradient") {
  return session.explain(x, {.method = method, .target = Target::index(0)}).attribution.to_doubles();
}

TEST_CASE("a branch that the data decides is the one that the given input takes") {
  const ModelFile file(branching());
  for (const char* backend : {"reference", "onednn"}) {
    Session session(file.load(), {.backend = backend});
    CHECK(session.run({row({1, 2})})[0].tensor.to_doubles() == std::vector<double>{3, 6});
    CHECK(session.run({row({1, -2})})[0].tensor.to_doubles() == std::vector<double>{-2, 4});
    CHECK(session.run({row({1, 2})})[0].tensor.to_doubles() == std::vector<double>{3, 6});
    CHECK(gradient_of(session, row({1, 2})) == std::vector<double>{3, 0});
    CHECK(gradient_of(session, row({1, -2})) == std::vector<double>{-2, 0});
    // The baseline would take the other branch; the input's holds along the whole path.
    CHECK(gradient_of(session, row({1, 2}), "integrated_gradients")[0] == Approx(3));
  }
}

TEST_CASE("what the data decided is listed among the assumptions") {
  const ModelFile file(branching());
  Session session(file.load(), {});
  const Explanations e = session.explain_many({row({1, 2})}, {.methods = {"gradient"}});
  REQUIRE(e.assumptions.size() >= 1);
  const auto found = std::ranges::find_if(e.assumptions, [](const Assumption& a) {
    return a.what.find("branch") != std::string::npos && a.value == "true";
  });
  CHECK(found != e.assumptions.end());
}

TEST_CASE("an export is refused where the data decides what is computed") {
  const ModelFile file(branching());
  Session session(file.load(), {});
  const Error error = error_of([&] { session.export_onnx({row({1, 2})}, {.methods = {"gradient"}}); });
  CHECK(says(error, ErrorCode::unsupported, "must hold for every input"));
}

/// boxes[1,n,4], scores[1,1,n] = boxes * w -> the scores of the boxes that non-maximum suppression keeps
ModelBuilder detector() {
  ModelBuilder b;
  b.input("boxes", {1, -1, 4}).output("kept");
  b.initialiser("w", {4, 1}, {0, 0, 0, 1});
  b.node("MatMul", {"boxes", "w"}, {"by_box"});
  set_ints(b.node("Transpose", {"by_box"}, {"scores"}), "perm", {0, 2, 1});
  auto& most = *b.graph().add_initializer();
  most.set_name("most");
  most.set_data_type(onnx::TensorProto::INT64);
  most.add_dims(1);
  most.add_int64_data(5);
  b.initialiser("overlap", {1}, {0.5});
  b.node("NonMaxSuppression", {"boxes", "scores", "most", "overlap"}, {"selected"});
  b.node("GatherND", {"scores", "selected"}, {"found"});
  auto& row = *b.graph().add_initializer();
  row.set_name("row");
  row.set_data_type(onnx::TensorProto::INT64);
  row.add_dims(2);
  row.add_int64_data(1);
  row.add_int64_data(-1);
  b.node("Reshape", {"found", "row"}, {"kept"});
  return b;
}

TEST_CASE("boxes that the data selects are those of the given input, and their scores have gradients") {
  ModelBuilder b = detector();
  const ModelFile file(b);
  Session session(file.load(), {});
  // The second box covers most of the first, the third lies apart; scores are the last coordinates.
  const Tensor boxes = Tensor::of<float>({1, 3, 4}, {0, 0, 1, 1, 0, 0, 1, 1.2F, 5, 5, 6, 6});
  const Explanations e =
      session.explain_many({boxes}, {.methods = {"gradient"}, .targets = {Target::index(0)}});
  CHECK(e.outputs[0].tensor.to_doubles() == std::vector<double>{6, double{1.2F}});
  const std::vector<double> gradient = e.attributions[0].values.to_doubles();
  CHECK(gradient == std::vector<double>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

/// x[1,1] is halved while it is above 1: a Loop without a number of trips.
ModelBuilder halving() {
  ModelBuilder b;
  b.input("x", {1, 1}).output("y");
  b.initialiser("one", {}, {1});
  b.initialiser("half", {}, {0.5});
  set_int(b.node("ReduceMax", {"x"}, {"start"}), "keepdims", 0);
  b.node("Greater", {"start", "one"}, {"begins"});
  onnx::NodeProto& node = b.node("Loop", {"", "begins", "x"}, {"y"});
  onnx::GraphProto& body = set_graph(node, "body");
  ModelBuilder::declare(*body.add_input(), "trip", {}, onnx::TensorProto::INT64);
  ModelBuilder::declare(*body.add_input(), "goes_on", {}, onnx::TensorProto::BOOL);
  ModelBuilder::declare(*body.add_input(), "v", {1, 1}, onnx::TensorProto::FLOAT);
  ModelBuilder::fill(*body.add_node(), "Mul", {"v", "half"}, {"next"});
  set_int(ModelBuilder::fill(*body.add_node(), "ReduceMax", {"next"}, {"largest"}), "keepdims", 0);
  ModelBuilder::fill(*body.add_node(), "Greater", {"largest", "one"}, {"again"});
  body.add_output()->set_name("again");
  body.add_output()->set_name("next");
  return b;
}

TEST_CASE("a loop goes on for as long as the given input makes it") {
  const ModelFile file(halving());
  Session session(file.load(), {});
  CHECK(session.run({row({8})})[0].tensor.to_doubles() == std::vector<double>{1});
  CHECK(gradient_of(session, row({8})) == std::vector<double>{0.125});
  CHECK(gradient_of(session, row({3})) == std::vector<double>{0.25});
  CHECK(gradient_of(session, row({0.5})) == std::vector<double>{1});
}

}  // namespace
}  // namespace onnxray::test
