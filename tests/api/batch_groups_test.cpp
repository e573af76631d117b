#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

// Batches that run in groups of samples.

namespace onnxray::test {
namespace {

SessionOptions in_groups_of(int64_t samples) {
  return {.backend = "reference", .precision = "double", .samples_at_once = samples};
}

TEST_CASE("a batch in groups gives every sample's own outputs and maps, in order") {
  const ModelFile file(classifier());
  const ExplainManyOptions options{.methods = {"lrp_epsilon_0_1", "smoothgrad_samples_3"},
                                   .targets = {Target::argmax(), Target::indices({4, 0, 2, 1, 3})}};
  Session whole(file.load(), in_groups_of(5)), split(file.load(), in_groups_of(2));
  const Explanations a = whole.explain_many({image(5)}, options), b = split.explain_many({image(5)}, options);
  CHECK(split.inspect({image(5)}, options).samples_at_once == 2);
  REQUIRE(a.attributions.size() == b.attributions.size());
  for (size_t i = 0; i < a.attributions.size(); ++i) {
    CHECK(a.attributions[i].values.to_doubles() == b.attributions[i].values.to_doubles());
    CHECK(a.attributions[i].sums == b.attributions[i].sums);
  }
  CHECK(a.targets[1].indices == b.targets[1].indices);
  CHECK(a.targets[0].scores == b.targets[0].scores);
  CHECK(a.logits.to_doubles() == b.logits.to_doubles());
  CHECK(whole.run({image(5)})[0].tensor.to_doubles() == split.run({image(5)})[0].tensor.to_doubles());
}

TEST_CASE("progress of a batch in groups rises to its end") {
  Session session(ModelFile(classifier()).load(), in_groups_of(2));
  double last = 0;
  bool rises = true;
  session.on_progress = [&](int64_t done, int64_t total) {
    const double now = static_cast<double>(done) / static_cast<double>(total);
    rises = rises && now > last;
    last = now;
  };
  session.explain(image(5), {.method = "integrated_gradients_steps_4"});
  CHECK(rises);
  CHECK(last == 1);
}

TEST_CASE("what needs the whole batch keeps it together") {
  Session session(ModelFile(classifier()).load(), in_groups_of(2));
  const auto at_once = [&](const ExplainManyOptions& options) {
    return session.inspect({image(4)}, options).samples_at_once;
  };
  CHECK(at_once({.methods = {"gradient"}}) == 2);
  CHECK(at_once({.methods = {"lrp_epsilon_0_25_std_x"}}) == 2);
  CHECK(at_once({.methods = {"lrp_epsilon_0_25_std_x"}, .parameters = {{"std_x", "batch"}}}) == 4);
  CHECK(at_once({.methods = {"gradient"},
                 .targets = {Target::mask(Tensor::filled(DType::f32, {4, 5}, 1.0))}}) == 4);
  CHECK(at_once({.methods = {"integrated_gradients"}, .baselines = {image(4)}}) == 4);
  CHECK(at_once({.methods = {"lrp_z"}, .report_layers = true}) == 4);
}

TEST_CASE("samples that meet stay together") {
  Session session(ModelFile(centred()).load(), in_groups_of(2));
  CHECK(session.inspect({hashed({4, 4}, 3)}, {.methods = {"gradient"}}).samples_at_once == 4);
}

/// image[batch,3,256,256] -> Conv - Relu - Conv - Relu - GlobalAveragePool - Gemm: 8 MB between two layers of
/// a sample, and many operations per byte of weights.
ModelBuilder wide_net() {
  ModelBuilder b;
  b.input("image", {-1, 3, 256, 256}).output("scores");
  conv(b, "image", "conv1", 3, 32);
  b.node("Relu", {"conv1"}, {"relu1"});
  conv(b, "relu1", "conv2", 32, 32);
  b.node("Relu", {"conv2"}, {"relu2"});
  b.node("GlobalAveragePool", {"relu2"}, {"mean"});
  b.node("Flatten", {"mean"}, {"flat"});
  dense(b, "flat", "scores", 32, 5);
  return b;
}

TEST_CASE(
    "onednn runs a batch of large images in groups, with less memory, and one of small images at once") {
  SessionOptions options{.backend = "onednn", .threads = 2};
  Session chosen(ModelFile(wide_net()).load(), options);
  options.samples_at_once = 16;
  Session whole(ModelFile(wide_net()).load(), options);
  const std::vector<Tensor> images{Tensor(DType::f32, {16, 3, 256, 256})};
  const Inspection groups = chosen.inspect(images, {.methods = {"gradient"}}),
                   once = whole.inspect(images, {.methods = {"gradient"}});
  CHECK(once.samples_at_once == 16);
  CHECK(groups.samples_at_once < 16);
  CHECK(groups.arena_bytes * 2 <= once.arena_bytes);
  CHECK(groups.flops == once.flops);
  Session small(ModelFile(classifier()).load(), {.backend = "onednn", .threads = 2});
  CHECK(small.inspect({image(8)}, {.methods = {"gradient"}}).samples_at_once == 8);
}

}  // namespace
}  // namespace onnxray::test
