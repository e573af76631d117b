#include "tests/api/model_file.h"
#include "tests/catch.h"

// Class activation maps as a caller gets them: over tokens, with what was assumed and what there is to note.

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};

/// ids [batch, 6] -> embeddings -> a convolution over three of them -> Relu -> mean -> scores
ModelBuilder text_net() {
  ModelBuilder b;
  b.input("ids", {-1, 6}, onnx::TensorProto::INT64).output("scores");
  weight(b, "words", {10, 4}, 1);
  b.node("Gather", {"words", "ids"}, {"word"});
  set_ints(b.node("Transpose", {"word"}, {"channels"}), "perm", {0, 2, 1});
  weight(b, "w", {5, 4, 3}, 2);
  set_ints(b.node("Conv", {"channels", "w"}, {"conv"}), "pads", {1, 1});
  b.node("Relu", {"conv"}, {"features"});
  b.node("GlobalAveragePool", {"features"}, {"pooled"});
  b.node("Flatten", {"pooled"}, {"flat"});
  dense(b, "flat", "scores", 5, 2);
  return b;
}

/// x [batch, 1, side, side] -> |x w| for one w -> mean -> -1 times it: more of x is less of the score.
ModelBuilder negative_net(int64_t side) {
  ModelBuilder b;
  b.input("x", {-1, 1, side, side}).output("score");
  weight(b, "w", {1, 1, 1, 1}, 1);
  b.node("Conv", {"x", "w"}, {"conv"});
  b.node("Abs", {"conv"}, {"features"});
  b.node("GlobalAveragePool", {"features"}, {"pooled"});
  b.node("Flatten", {"pooled"}, {"flat"});
  b.node("Neg", {"flat"}, {"score"});
  return b;
}

TEST_CASE("a class activation map over tokens has one place for each") {
  Session session(ModelFile(text_net()).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({2, 6}, {1, 2, 3, 4, 5, 6, 9, 8, 7, 0, 1, 2});
  const Explanations all =
      session.explain_many({ids}, {.methods = {"grad_cam"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 1);
  CHECK(all.attributions[0].values.shape() == Shape{2, 6});
  const auto is_layer = [](const Assumption& a) {
    return a.what == "layer of grad_cam" && a.option == "layer";
  };
  CHECK(std::ranges::count_if(all.assumptions, is_layer) == 1);
}

TEST_CASE("a map that shows nothing has a note that says why") {
  Session session(ModelFile(negative_net(4)).load(), kDouble);
  const ExplainManyOptions cam{.methods = {"grad_cam"}, .targets = {Target::index(0)}};
  const auto notes = session.explain_many({Tensor::filled(DType::f32, {2, 1, 4, 4}, 1)}, cam).notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] ==
        "grad_cam: the map of 2 of 2 samples is zero: no weighted activation of the layer is positive");
  // Every other method shows something.
  ExplainManyOptions gradient = cam;
  gradient.methods = {"gradient"};
  CHECK(session.explain_many({Tensor::filled(DType::f32, {2, 1, 4, 4}, 1)}, gradient).notes.empty());
}

}  // namespace
}  // namespace onnxray::test
