#include "tests/api/token_nets.h"

// Which rows are embeddings of ids, and whose.

namespace onnxray::test {
namespace {

TEST_CASE("rows that two ids choose together are explained at their index, and that is said") {
  ModelBuilder b;
  b.input("ids", {-1, 4}, onnx::TensorProto::INT64);
  table(b);
  ints(b, "zero", {1}, {0});
  ints(b, "one", {1}, {1});
  ints(b, "three", {1}, {3});
  ints(b, "four", {1}, {4});
  ints(b, "base", {}, {3});
  b.node("Slice", {"ids", "zero", "three", "one"}, {"first"});
  b.node("Slice", {"ids", "one", "four", "one"}, {"second"});
  b.node("Mul", {"first", "base"}, {"high"});
  b.node("Add", {"high", "second"}, {"pairs"});
  b.node("Gather", {"words", "pairs"}, {"rows"});
  classify(b, "rows");
  Session session(ModelFile(b).load(), kDouble);
  const Explanations all = session.explain_many({Tensor::of<int64_t>({1, 4}, {0, 2, 1, 2})},
                                                {.methods = {"lrp_z"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 1);
  CHECK(all.attributions[0].input == "pairs");
  REQUIRE(about(all.assumptions, "ids of 'pairs'"));
  CHECK_FALSE(about(all.assumptions, "ids of 'pairs'")->is_obvious);
}

TEST_CASE("positions that are counted from padding are constants, as positions are that do not move") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  weight(b, "places", {kTokens + 1, kWidth}, 5);
  ints(b, "zero", {}, {0});
  ints(b, "axis", {}, {1});
  b.node("Greater", {"ids", "zero"}, {"is_token"});
  cast(b, "is_token", "ones", onnx::TensorProto::INT64);
  b.node("CumSum", {"ones", "axis"}, {"counted"});
  b.node("Mul", {"counted", "ones"}, {"positions"});
  b.node("Gather", {"places", "positions"}, {"place_rows"});
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("Add", {"rows", "place_rows"}, {"sum"});
  classify(b, "sum");
  Session session(ModelFile(b).load(), kDouble);
  const Explanations all = session.explain_many({Tensor::of<int64_t>({1, kTokens}, {4, 2, 8})},
                                                {.methods = {"lrp_z"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 1);
  CHECK(all.attributions[0].input == "ids");
  CHECK(about(all.assumptions, "rows 'place_rows'"));
}

TEST_CASE("rows under a mask, and rows times rows, are embeddings; rows that scale activations are not") {
  const Tensor ids = Tensor::of<int64_t>({2, kTokens}, {4, 2, 8, 1, 0, 3});
  ModelBuilder masked;
  masked.input("ids", {-1, kTokens}, onnx::TensorProto::INT64).input("mask", {-1, kTokens});
  table(masked);
  ints(masked, "last", {1}, {2});
  masked.node("Gather", {"words", "ids"}, {"all_rows"});
  masked.node("Unsqueeze", {"mask", "last"}, {"column"});
  masked.node("Mul", {"all_rows", "column"}, {"rows"});
  classify(masked, "rows");
  const Tensor ones = Tensor::filled(DType::f32, {2, kTokens}, 1);
  const std::vector<std::string> methods{"gradient", "gradient_x_input"};
  const auto under_mask = maps_of(masked, {ids, ones}, methods), plain = maps_of(twin(), {ids}, methods);
  for (const auto& [name, map] : plain) CHECK(difference(under_mask.at(name), map) < kSame);

  // Users and items: the product of their rows, as matrix factorisation has it.
  ModelBuilder factors;
  factors.input("user", {-1, kTokens}, onnx::TensorProto::INT64);
  factors.input("item", {-1, kTokens}, onnx::TensorProto::INT64);
  table(factors);
  weight(factors, "items", {kVocabulary, kWidth}, 7);
  factors.node("Gather", {"words", "user"}, {"user_rows"});
  factors.node("Gather", {"items", "item"}, {"item_rows"});
  factors.node("Mul", {"user_rows", "item_rows"}, {"rows"});
  classify(factors, "rows");
  CHECK(maps_of(factors, {ids, ids}, methods).size() == 4);

  // Rows that come from elsewhere than what they scale.
  ModelBuilder scaled;
  scaled.input("ids", {-1, kTokens}, onnx::TensorProto::INT64).input("x", {-1, kTokens * kWidth});
  table(scaled);
  scaled.node("Gather", {"words", "ids"}, {"angles"});
  scaled.node("Flatten", {"angles"}, {"flat_angles"});
  dense(scaled, "x", "projected", kTokens * kWidth, kTokens * kWidth);
  scaled.node("Mul", {"projected", "flat_angles"}, {"rows"});
  classify(scaled, "rows");
  const Tensor x = hashed({2, kTokens * kWidth}, 3).to(DType::f32);
  const auto of_scaled = maps_of(scaled, {ids, x}, methods);
  CHECK(of_scaled.size() == 2);
  CHECK(of_scaled.contains("gradient x"));
  CHECK(about(assumptions_of(scaled, {ids, x}), "rows 'angles'"));
}

TEST_CASE("a mask that ids are multiplied with is no input of ids") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  b.input("mask", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.node("Mul", {"ids", "mask"}, {"index"});
  b.node("Gather", {"words", "index"}, {"rows"});
  classify(b, "rows");
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8}),
               ones = Tensor::of<int64_t>({1, kTokens}, {1, 1, 1});
  const auto maps = maps_of(b, {ids, ones}), wanted = maps_of(twin(), {ids});
  REQUIRE(maps.size() == wanted.size());
  for (const auto& [name, map] : wanted) CHECK(difference(maps.at(name), map) < kSame);
  const std::vector<Assumption> all = assumptions_of(b, {ids, ones});
  REQUIRE(about(all, "ids of 'ids'"));
  CHECK(about(all, "ids of 'ids'")->why.find("'mask'") != std::string::npos);
}

TEST_CASE("rows that activations choose are constants") {
  ModelBuilder b;
  b.input("x", {-1, 5});
  table(b);
  dense(b, "x", "likely", 5, kVocabulary);
  onnx::NodeProto& best = b.node("ArgMax", {"likely"}, {"nearest"});
  set_int(best, "axis", 1);
  b.node("Gather", {"words", "nearest"}, {"codes"});
  b.node("Flatten", {"codes"}, {"flat_codes"});
  dense(b, "x", "direct", 5, kWidth);
  b.node("Add", {"flat_codes", "direct"}, {"rows"});
  classify(b, "rows", kWidth);
  const Tensor x = hashed({2, 5}, 3).to(DType::f32);
  const auto maps = maps_of(b, {x}, {"gradient", "integrated_gradients_steps_3"});
  REQUIRE(maps.size() == 2);
  CHECK(maps.at("gradient x").shape() == Shape{2, 5});
  CHECK(about(assumptions_of(b, {x}), "rows 'codes'"));
}

}  // namespace
}  // namespace onnxray::test
