#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

// Batches that lie along another axis than the first.

namespace onnxray::test {
namespace {

SessionOptions in_groups_of(int64_t samples) {
  return {.backend = "reference", .precision = "double", .samples_at_once = samples};
}

/// x [5,batch,4] -> dense, Tanh, mean over the five -> dense -> scores [batch,3]; and all states [5,batch,6].
ModelBuilder time_first() {
  ModelBuilder b;
  b.input("x", {5, -1, 4}).output("scores").output("states");
  weight(b, "w", {4, 6}, 1);
  b.node("MatMul", {"x", "w"}, {"h"});
  b.node("Tanh", {"h"}, {"states"});
  set_int(set_ints(b.node("ReduceMean", {"states"}, {"mean"}), "axes", {0}), "keepdims", 0);
  dense(b, "mean", "scores", 6, 3);
  return b;
}

TEST_CASE("a batch on the second axis runs in groups, and is put together along it") {
  const ModelFile file(time_first());
  const Tensor x = hashed({5, 5, 4}, 3).to(DType::f32);
  const ExplainManyOptions options{.methods = {"lrp_epsilon_0_1", "integrated_gradients_steps_3"},
                                   .targets = {Target::argmax(), Target::indices({2, 0, 2, 1, 1})}};
  Session whole(file.load(), in_groups_of(5));
  const Explanations a = whole.explain_many({x}, options);
  for (const int64_t at_once : {1, 2}) {
    Session split(file.load(), in_groups_of(at_once));
    CHECK(split.inspect({x}, options).samples_at_once == at_once);
    const Explanations b = split.explain_many({x}, options);
    REQUIRE(a.attributions.size() == b.attributions.size());
    for (size_t i = 0; i < a.attributions.size(); ++i) {
      CHECK(b.attributions[i].values.shape() == x.shape());
      // Products over more rows add up in another order.
      CHECK(difference(b.attributions[i].values, a.attributions[i].values) < 1e-12);
      CHECK(b.attributions[i].sums.size() == 5);
      CHECK(b.attributions[i].sample_axis == 1);
      CHECK(b.attributions[i].completeness_gap.size() == a.attributions[i].completeness_gap.size());
    }
    CHECK(b.targets[1].indices == a.targets[1].indices);
    CHECK(b.outputs[1].tensor.shape() == Shape{5, 5, 6});
    CHECK(difference(b.outputs[1].tensor, a.outputs[1].tensor) < 1e-12);
    CHECK(difference(split.run({x})[1].tensor, a.outputs[1].tensor) < 1e-12);
  }
}

TEST_CASE("sums are of the samples, whatever axis they are on") {
  Session session(ModelFile(time_first()).load(), in_groups_of(0));
  const Tensor x = hashed({5, 3, 4}, 3).to(DType::f32);
  const Attribution a = session.explain_many({x}, {.methods = {"gradient"}}).attributions[0];
  REQUIRE(a.sums.size() == 3);
  for (int64_t n = 0; n < 3; ++n) {
    double sum = 0;
    for (int64_t t = 0; t < 5; ++t) {
      for (int64_t f = 0; f < 4; ++f) sum += a.values.as_double((t * 3 + n) * 4 + f);
    }
    CHECK(a.sums[static_cast<size_t>(n)] == Approx(sum));
  }
}

/// y = tanh(x w), frame by frame: nothing tells time from batch.
ModelBuilder framewise() {
  ModelBuilder b;
  b.input("x", {5, 2, 4}).output("y");
  weight(b, "w", {4, 3}, 1);
  b.node("MatMul", {"x", "w"}, {"h"});
  b.node("Tanh", {"h"}, {"y"});
  return b;
}

TEST_CASE("a session is told where samples lie") {
  const ModelFile file(framewise());
  const Tensor x = hashed({5, 2, 4}, 3).to(DType::f32);
  const auto scores = [&](std::map<std::string, std::optional<int64_t>> axes) {
    SessionOptions options = in_groups_of(0);
    options.sample_axes = std::move(axes);
    return Session(file.load(), options)
        .explain_many({x}, {.methods = {"gradient"}})
        .targets[0]
        .scores.size();
  };
  CHECK(scores({}) == 5);
  CHECK(scores({{"x", 1}}) == 2);
  CHECK(scores({{"y", 1}}) == 2);
  CHECK(scores({{"x", std::nullopt}}) == 1);
  CHECK(says(error_of([&] { scores({{"z", 1}}); }), ErrorCode::usage, "'z'"));
  CHECK(says(error_of([&] { scores({{"x", 2}}); }), ErrorCode::usage, "cannot lie along its axis 2"));
}

TEST_CASE("a batch without a name is not taken apart along the time") {
  ModelBuilder b = framewise();
  auto& dims = *b.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  dims.mutable_dim(0)->set_dim_param("frames");
  dims.mutable_dim(1)->set_dim_param("series");
  SessionOptions options = in_groups_of(1);
  options.sample_axes = {{"x", 1}};
  Session session(ModelFile(b).load(), options);
  const Tensor x = hashed({5, 2, 4}, 3).to(DType::f32);
  const Explanations all = session.explain_many({x}, {.methods = {"gradient"}});
  CHECK(session.inspect({x}, {.methods = {"gradient"}}).samples_at_once == 1);
  REQUIRE(all.targets[0].scores.size() == 2);
  // Each series has its largest entry, of all frames and classes.
  for (int64_t n = 0; n < 2; ++n) {
    double largest = -1;
    for (int64_t i = 0; i < 15; ++i)
      largest = std::max(largest, all.logits.as_double((i / 3 * 2 + n) * 3 + i % 3));
    CHECK(all.targets[0].scores[static_cast<size_t>(n)] == Approx(largest));
  }
}

TEST_CASE("what is assumed of samples is among an explanation's assumptions") {
  Session session(ModelFile(time_first()).load(), in_groups_of(0));
  const Tensor x = hashed({5, 3, 4}, 3).to(DType::f32);
  const auto all = session.explain_many({x}, {.methods = {"gradient"}}).assumptions;
  const auto samples = std::ranges::find(all, "samples of 'x'", &Assumption::what);
  REQUIRE(samples != all.end());
  CHECK(samples->value == "axis 1");
  CHECK(samples->option == "sample_axes");
  CHECK_FALSE(samples->is_obvious);
}

}  // namespace
}  // namespace onnxray::test
