#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/explain.h"

// What is said of explanations that show nothing.

namespace onnxray {
namespace {

using test::ModelBuilder;
using test::ModelFile;

constexpr const char* kMl = "ai.onnx.ml";

void set_floats(onnx::NodeProto& node, const std::string& name, const std::vector<float>& values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOATS);
  for (const float value : values) attribute.add_floats(value);
}

void set_texts(onnx::NodeProto& node, const std::string& name, const std::vector<std::string>& values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::STRINGS);
  for (const std::string& value : values) attribute.add_strings(value);
}

/// One tree over `x`: x0 <= 0 ? -1 : 2.
void stump(ModelBuilder& b, const std::string& x, const std::string& y) {
  onnx::NodeProto& node = b.node("TreeEnsembleRegressor", {x}, {y}, kMl);
  node.set_name("stump");
  for (const char* name : {"nodes_treeids", "nodes_featureids"}) test::set_ints(node, name, {0, 0, 0});
  test::set_ints(node, "nodes_nodeids", {0, 1, 2});
  test::set_ints(node, "nodes_truenodeids", {1, 0, 0});
  test::set_ints(node, "nodes_falsenodeids", {2, 0, 0});
  set_floats(node, "nodes_values", {0, 0, 0});
  set_texts(node, "nodes_modes", {"BRANCH_LEQ", "LEAF", "LEAF"});
  for (const char* name : {"target_treeids", "target_ids"}) test::set_ints(node, name, {0, 0});
  test::set_ints(node, "target_nodeids", {1, 2});
  set_floats(node, "target_weights", {-1, 2});
}

/// y = tree(x0), or tree(x0) + x0.
ModelBuilder trees(bool with_linear_part) {
  ModelBuilder b;
  ModelBuilder::add_opset(b.model, kMl, 3);
  b.input("x", {-1, 1}).output("y");
  stump(b, "x", with_linear_part ? "t" : "y");
  if (with_linear_part) b.node("Add", {"t", "x"}, {"y"});
  return b;
}

Explanations explained(const ModelBuilder& builder, const std::vector<std::string>& methods,
                       const Tensor& x) {
  const ModelFile file(builder);
  Session session(file.load());
  return session.explain_many({x}, {.methods = methods, .targets = {Target::index(0)}});
}

std::vector<Assumption> of_trees(const Explanations& all) {
  std::vector<Assumption> found;
  for (const Assumption& a : all.assumptions) {
    if (a.what.starts_with("trees")) found.push_back(a);
  }
  return found;
}

const Tensor kInput = Tensor::of<float>({2, 1}, {0.5F, -0.25F});

TEST_CASE("trees have no slope: maps are zero, and it is said that occlusion shows what they read", "[api]") {
  const std::vector<std::string> methods{"gradient", "lrp_z", "integrated_gradients", "occlusion"};
  const Explanations all = explained(trees(false), methods, kInput);
  REQUIRE(of_trees(all).size() == 1);
  CHECK(of_trees(all)[0].what == "trees 'stump/Forest'");
  CHECK(of_trees(all)[0].why.find("occlusion") != std::string::npos);
  CHECK(!of_trees(all)[0].is_obvious);
  REQUIRE(all.notes.size() == 4);
  for (size_t m = 0; m < 3; ++m) {
    CHECK(all.attributions[m].values.to_doubles() == std::vector<double>{0, 0});
    CHECK(all.notes[m].starts_with(methods[m] + ": the map of 2 of 2 samples is zero"));
  }
  // From 0.5 to the baseline 0 the tree falls from 2 to -1; from -0.25 it stays.
  CHECK(all.attributions[3].values.to_doubles() == std::vector<double>{3, 0});
  CHECK(all.notes[3] == "occlusion: the map of 1 of 2 samples is zero: no window changes the score");
}

TEST_CASE("trees beside a linear part have no share of its map, which is said too", "[api]") {
  const Explanations all = explained(trees(true), {"gradient"}, kInput);
  CHECK(all.attributions[0].values.to_doubles() == std::vector<double>{1, 1});
  CHECK(of_trees(all).size() == 1);
  CHECK(all.notes.empty());
}

TEST_CASE("nothing is said of trees where no method goes backward", "[api]") {
  CHECK(of_trees(explained(trees(false), {"occlusion"}, kInput)).empty());
}

TEST_CASE("a map that is zero for some samples has a note, once for all inputs and groups", "[api]") {
  ModelBuilder b;
  b.input("x", {-1, 2}).input("w", {-1, 2}).output("y");
  b.node("Mul", {"x", "w"}, {"product"});
  b.node("Relu", {"product"}, {"y"});
  const ModelFile file(b);
  Session session(file.load(), {.samples_at_once = 1});
  const Tensor x = Tensor::of<float>({3, 2}, {1, 1, -1, 1, 1, 1}),
               w = Tensor::of<float>({3, 2}, {1, 1, 1, 1, -1, 1});
  const Explanations all =
      session.explain_many({x, w}, {.methods = {"gradient"}, .targets = {Target::index(0)}});
  REQUIRE(all.notes.size() == 1);
  CHECK(
      all.notes[0].starts_with("gradient: the map of 2 of 3 samples is zero: nothing arrives at the input"));
}

}  // namespace
}  // namespace onnxray
