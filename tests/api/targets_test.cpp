#include <cmath>

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

// What a session explains: targets of dense outputs, heads, and what it says of them.

namespace onnxray {
namespace {

using Values = std::vector<double>;
using test::ModelBuilder;
using test::ModelFile;

/// x [batch,4,3] -> three rows of boxes and a row of class scores behind a sigmoid, as detectors end.
ModelBuilder detector() {
  ModelBuilder b;
  b.input("x", {-1, 4, 3}).output("detections");
  auto& split = b.node("Split", {"x", "sizes"}, {"boxes", "logits"});
  auto& axis = *split.add_attribute();
  axis.set_name("axis");
  axis.set_type(onnx::AttributeProto::INT);
  axis.set_i(1);
  auto& sizes = *b.graph().add_initializer();
  sizes.set_name("sizes");
  sizes.set_data_type(onnx::TensorProto::INT64);
  sizes.add_dims(2);
  sizes.add_int64_data(3);
  sizes.add_int64_data(1);
  b.node("Sigmoid", {"logits"}, {"scores"});
  auto& concat = *b.node("Concat", {"boxes", "scores"}, {"detections"}).add_attribute();
  concat.set_name("axis");
  concat.set_type(onnx::AttributeProto::INT);
  concat.set_i(1);
  return b;
}

Tensor detections(const Values& scores) {
  Values x{90, 80, 70, 60, 50, 40, 30, 20, 10};
  x.insert(x.end(), scores.begin(), scores.end());
  return Tensor::of<double>({1, 4, 3}, x).to(DType::f32);
}

TEST_CASE("the class score of the best box is explained at its logit, saturated or not") {
  const ModelFile file(detector());
  Session session(file.load());
  const Target best = Target::argmax_in({Range::from(3), Range::all()});
  // Both probabilities are 1 in float32; the logits tell them apart.
  const Explanations e =
      session.explain_many({detections({40, -2, 70})}, {.methods = {"gradient"}, .targets = {best}});
  CHECK(e.targets[0].indices == std::vector<int64_t>{11});
  CHECK(e.targets[0].scores == Values{70});
  CHECK(e.attributions[0].values.to_doubles() == Values{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(e.explained.kind == ScoreKind::sigmoid);
  CHECK_FALSE(e.explained.is_whole);
  CHECK(e.logits.as_double(11) == 70);
  CHECK(e.outputs[0].tensor.as_double(11) == 1);
  const auto head = std::ranges::find(e.assumptions, "head", &Assumption::what);
  REQUIRE(head != e.assumptions.end());
  CHECK(head->option == "keep_softmax");
}

TEST_CASE("sums over ranges and winners along an axis weight the entries with 1") {
  const ModelFile file(detector());
  Session session(file.load());
  const auto weights = [&](const Target& target) {
    return session.explain(detections({1, 3, 2}), {.method = "gradient", .target = target});
  };
  const Explanation sum = weights(Target::sum({Range::at(3), {1, 3}}));
  CHECK(sum.attribution.to_doubles() == Values{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1});
  CHECK(sum.target.scores == Values{5});
  CHECK(sum.target.indices.empty());
  const Explanation along = weights(Target::argmax_along(-1));
  CHECK(along.attribution.to_doubles() == Values{1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0});
  CHECK(along.target.scores == Values{90 + 60 + 30 + 3});
  const Explanation rows = weights(Target::argmax_along(0, {Range::from(1), Range::all()}));
  CHECK(rows.attribution.to_doubles() == Values{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(weights(Target::entry({-1, -1})).target.indices == std::vector<int64_t>{11});
  CHECK(test::says(test::error_of([&] { weights(Target::class_index(1)); }), ErrorCode::usage, "one axis"));
  CHECK(test::says(test::error_of([&] { weights(Target::sum({Range::all()})); }), ErrorCode::usage,
                   "one range per axis"));
}

TEST_CASE("a batch in groups has the targets, the head and the assumptions of the whole") {
  const ModelFile file(detector());
  const Tensor x = test::hashed({5, 4, 3}, 6).to(DType::f32);
  const ExplainManyOptions options{
      .methods = {"gradient_x_input", "lrp_z"},
      .targets = {Target::argmax_in({Range::from(3), Range::all()}),
                  Target::sum({Range::at(3), Range::all()}), Target::argmax_along(0)}};
  Session whole(file.load(), {.samples_at_once = 5}), groups(file.load(), {.samples_at_once = 2});
  const Explanations a = whole.explain_many({x}, options), b = groups.explain_many({x}, options);
  REQUIRE(a.attributions.size() == 6);
  for (size_t i = 0; i < a.attributions.size(); ++i)
    CHECK(a.attributions[i].values.to_doubles() == b.attributions[i].values.to_doubles());
  for (size_t k = 0; k < a.targets.size(); ++k) {
    CHECK(a.targets[k].indices == b.targets[k].indices);
    CHECK(a.targets[k].scores == b.targets[k].scores);
  }
  CHECK(a.assumptions == b.assumptions);
  CHECK(b.explained.name == "detections");
}

TEST_CASE("an inner value stands among the outputs with its numbers") {
  const ModelFile file(test::classifier());
  Session session(file.load());
  const Explanations e = session.explain_many(
      {test::image(2)}, {.methods = {"gradient"}, .targets = {Target::entry({1, 2, 2})}, .output = "conv2"});
  REQUIRE(e.outputs.size() == 2);
  CHECK(e.outputs[1].name == "conv2");
  CHECK(e.outputs[1].tensor.shape() == Shape{2, 4, 4, 4});
  CHECK(e.explained.name == "conv2");
  CHECK(e.explained.kind == ScoreKind::value);
  CHECK(e.logits.to_doubles() == e.outputs[1].tensor.to_doubles());
  CHECK(test::says(test::error_of([&] { session.explain(test::image(1), {.output = "conv3"}); }),
                   ErrorCode::usage, "conv"));
}

TEST_CASE("NaN and infinite numbers are noted, of inputs, outputs and maps") {
  const ModelFile file(detector());
  Session session(file.load());
  const auto notes = [&](const Values& scores) {
    return session
        .explain_many({detections(scores)}, {.methods = {"gradient_x_input"},
                                             .targets = {Target::sum({Range::at(3), Range::all()})}})
        .not_finite;
  };
  CHECK(notes({1, 2, 3}).empty());
  const std::vector<std::string> found = notes({NAN, 2, INFINITY});
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "input 'x' holds 1 NaN and 1 infinite of 12 numbers");
  CHECK(found[1] == "output 'detections' holds 1 NaN of 12 numbers");  // sigmoid(inf) = 1
  CHECK(found[2] == "the map of gradient_x_input over 'x' holds 1 NaN and 1 infinite of 12 numbers");
}

TEST_CASE("relevance that starts with the score shares it out; other maps do not") {
  const ModelFile file(test::classifier());
  Session session(file.load());
  const auto shares = [&](const std::string& method, bool keep = false) {
    return session.explain_many({test::image(1)}, {.methods = {method}, .keep_softmax = keep})
        .attributions[0]
        .shares_score;
  };
  CHECK(shares("lrp_z"));
  CHECK(shares("deep_taylor"));
  CHECK(shares("w2lrp_epsilon_0_1"));
  CHECK_FALSE(shares("lrpsign_epsilon_0_1"));
  CHECK_FALSE(shares("lrp_z:seed_value=one"));
  CHECK_FALSE(shares("lrp_z", true));
  CHECK_FALSE(shares("gradient_x_input"));
}

}  // namespace
}  // namespace onnxray
