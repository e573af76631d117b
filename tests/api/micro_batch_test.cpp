#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

// Loops that run several steps in one trip: the maps do not depend on how many.

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};
const SessionOptions kOneDnn{.backend = "onednn", .threads = 2};

/// Explains and counts trips.
struct Explained {
  std::vector<Attribution> maps;
  std::vector<int64_t> trips;  ///< of each run
};

Explained explain(Session& session, const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
  Explained e;
  session.on_progress = [&](int64_t done, int64_t total) {
    if (done == 1) e.trips.push_back(total);
  };
  e.maps = session.explain_many(inputs, options).attributions;
  session.on_progress = {};
  return e;
}

ExplainManyOptions with_width(const std::string& method, int64_t width) {
  return {.methods = {method},
          .targets = {Target::index(1)},
          .parameters = {{"micro_batch", std::to_string(width)}}};
}

/// Maps of every width against those of width 1; the largest difference over the largest entry.
double worst_difference(Session& session, const std::vector<Tensor>& inputs, const std::string& method,
                        int64_t steps) {
  const Explained one = explain(session, inputs, with_width(method, 1));
  CHECK(one.trips == std::vector<int64_t>{steps});
  double worst = 0;
  for (const int64_t width : {int64_t{3}, int64_t{7}, steps, steps + 5}) {
    const Explained wide = explain(session, inputs, with_width(method, width));
    const int64_t used = std::min(width, steps);
    CHECK(wide.trips == std::vector<int64_t>{(steps + used - 1) / used});
    REQUIRE(wide.maps.size() == one.maps.size());
    for (size_t i = 0; i < one.maps.size(); ++i)
      worst = std::max(worst, difference(wide.maps[i].values, one.maps[i].values));
  }
  return worst;
}

// Eleven steps: no width but 1 and 11 divides them.
const std::vector<std::string> kMethods{"integrated_gradients_steps_11",
                                        "integrated_gradients_steps_11_x_input",
                                        "smoothgrad_samples_11",
                                        "smoothgrad_samples_11_x_sign",
                                        "smoothgrad:samples=11,noise=range,noise_scale=0.1,clean_sample=last",
                                        "smoothgrad_squared_samples_11",
                                        "vargrad_samples_11"};

TEST_CASE("a map does not depend on how many steps a trip runs") {
  for (const bool onednn : {false, true}) {
    Session session(ModelFile(residual()).load(), onednn ? kOneDnn : kDouble);
    for (const std::string& method : kMethods) {
      for (const int64_t batch : {1, 3}) {
        INFO(method << ", batch " << batch << (onednn ? ", onednn" : ", reference"));
        // Sums of eleven terms in another order; in float32 a unit near 0 may switch with the rounding of
        // what comes before it, which no seed of this test does.
        CHECK(worst_difference(session, {image(batch)}, method, 11) < (onednn ? 2e-5 : 1e-12));
      }
    }
  }
}

/// image[batch,8,8,8] -> Conv - Relu - Conv - Relu - GlobalAveragePool - Gemm: a first layer of 144 flops per
/// result, which leaves the loop.
ModelBuilder wide_input() {
  ModelBuilder b;
  b.input("image", {-1, 8, 8, 8}).output("scores");
  conv(b, "image", "conv1", 8, 8);
  b.node("Relu", {"conv1"}, {"relu1"});
  conv(b, "relu1", "conv2", 8, 8);
  b.node("Relu", {"conv2"}, {"relu2"});
  b.node("GlobalAveragePool", {"relu2"}, {"mean"});
  b.node("Flatten", {"mean"}, {"flat"});
  dense(b, "flat", "scores", 8, 5);
  return b;
}

TEST_CASE("nor does one whose loop starts or ends behind the first layer") {
  for (const bool onednn : {false, true}) {
    Session session(ModelFile(wide_input()).load(), onednn ? kOneDnn : kDouble);
    for (const char* method : {"integrated_gradients_steps_11", "smoothgrad_samples_11"}) {
      for (const int64_t batch : {1, 3}) {
        INFO(method << ", batch " << batch << (onednn ? ", onednn" : ", reference"));
        // As above.
        CHECK(worst_difference(session, {hashed({batch, 8, 8, 8}, 4)}, method, 11) < (onednn ? 2e-5 : 1e-12));
      }
    }
  }
}

TEST_CASE("fifty steps in sevens, the last trip with one") {
  Session session(ModelFile(classifier()).load(), kDouble);
  for (const char* method : {"integrated_gradients", "vargrad"}) {
    const Explained one = explain(session, {image(1)}, with_width(method, 1));
    const Explained seven = explain(session, {image(1)}, with_width(method, 7));
    CHECK(one.trips == std::vector<int64_t>{50});
    CHECK(seven.trips == std::vector<int64_t>{8});
    CHECK(difference(seven.maps[0].values, one.maps[0].values) < 1e-12);  // order of sums
  }
}

TEST_CASE("windows of an occlusion share trips") {
  Session session(ModelFile(classifier()).load(), kDouble);
  for (const int64_t batch : {1, 2}) {
    // Three by three windows; sums of nine terms in another order.
    CHECK(worst_difference(session, {image(batch)}, "occlusion:window=4,stride=2", 9) < 1e-12);
  }
}

TEST_CASE("several baselines, baselines and noise of the caller, inner values and targets, in any width") {
  Session session(ModelFile(classifier()).load(), kDouble);
  for (const int64_t batch : {1, 2}) {
    ExplainManyOptions options = with_width("integrated_gradients_steps_5", 1);
    const auto check = [&](int64_t steps) {
      options.parameters["micro_batch"] = "1";
      const Explained one = explain(session, {image(batch)}, options);
      options.parameters["micro_batch"] = "4";
      const Explained wide = explain(session, {image(batch)}, options);
      CHECK(wide.trips.at(0) == (steps + 3) / 4);
      for (size_t i = 0; i < one.maps.size(); ++i) {
        CHECK(difference(wide.maps[i].values, one.maps[i].values) < 1e-12);  // order of sums
        const auto &a = wide.maps[i].completeness_gap, &b = one.maps[i].completeness_gap;
        for (size_t n = 0; n < b.size(); ++n) CHECK(a[n] == Approx(b[n]).margin(1e-12));
      }
    };
    options.targets = {Target::argmax(), Target::index(3)};
    options.baselines = {image(1, 8)};
    check(5);
    options.baselines = {hashed({3, 1, 3, 8, 8}, 9)};
    check(15);
    options.baselines = {};
    options.at = "relu1";
    check(5);
    options.methods = {"vargrad"};
    options.at = {};
    options.noise = {hashed({6, batch, 3, 8, 8}, 2, 0.3)};
    check(6);
  }
}

/// a[batch,4] and b[batch,2,4] -> dense(a * relu(mean of b's rows)) -> scores
ModelBuilder two_inputs() {
  ModelBuilder b;
  b.input("a", {-1, 4}).input("b", {-1, 2, 4}).output("scores");
  set_ints(b.node("ReduceMean", {"b"}, {"row"}), "axes", {1});
  b.node("Flatten", {"row"}, {"flat"});
  b.node("Relu", {"flat"}, {"gate"});
  b.node("Mul", {"a", "gate"}, {"product"});
  dense(b, "product", "scores", 4, 3);
  return b;
}

/// ids[batch,3] -> embeddings -> relu of a dense layer -> scores
ModelBuilder tokens() {
  ModelBuilder b;
  b.input("ids", {-1, 3}, onnx::TensorProto::INT64).output("scores");
  weight(b, "words", {10, 4}, 1);
  b.node("Gather", {"words", "ids"}, {"word"});
  b.node("Flatten", {"word"}, {"flat"});
  dense(b, "flat", "hidden", 12, 6);
  b.node("Relu", {"hidden"}, {"relu"});
  dense(b, "relu", "scores", 6, 2);
  return b;
}

TEST_CASE("several inputs and embedded tokens move together in any width") {
  Session both(ModelFile(two_inputs()).load(), kDouble), text(ModelFile(tokens()).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({2, 3}, {1, 2, 3, 9, 9, 0});
  for (const std::string& method : kMethods) {
    INFO(method);
    CHECK(worst_difference(both, {hashed({3, 4}, 1), hashed({3, 2, 4}, 2)}, method, 11) < 1e-12);
    if (method.find("sign") == std::string::npos && method.find("input") == std::string::npos)
      CHECK(worst_difference(text, {ids}, method, 11) < 1e-12);
  }
}

TEST_CASE("samples that meet keep steps apart, and who asks for more is told why") {
  Session session(ModelFile(centred()).load(), kDouble);
  const Tensor x = hashed({2, 4}, 3);
  CHECK(explain(session, {x}, with_width("integrated_gradients", 0)).trips == std::vector<int64_t>{50});
  CHECK(says(error_of([&] { explain(session, {x}, with_width("integrated_gradients", 4)); }),
             ErrorCode::unsupported, "cannot run 4 steps at once: samples meet in reduce"));
  CHECK(says(error_of([&] { explain(session, {x}, with_width("smoothgrad", -1)); }), ErrorCode::usage,
             "micro_batch"));
}

TEST_CASE("small nets fill a trip by themselves, in equal shares") {
  Session session(ModelFile(classifier()).load(), kOneDnn);
  CHECK(explain(session, {image(1)}, with_width("integrated_gradients", 0)).trips == std::vector<int64_t>{1});
}

TEST_CASE("memory lowers the steps of a trip before it splits the batch") {
  const ModelFile file(classifier());
  const ExplainManyOptions options = with_width("vargrad_samples_16", 16);
  SessionOptions bounded = kDouble;
  Session free(file.load(), kDouble);
  const Explained whole = explain(free, {image(2)}, options);
  CHECK(whole.trips == std::vector<int64_t>{1});
  // A bound between what 16 and 1 steps take: one run of several trips.
  const auto planned = [&](int64_t width) {
    return free.inspect({image(2)}, with_width("vargrad_samples_16", width)).planned_bytes;
  };
  REQUIRE(planned(16) > 2 * planned(1));
  bounded.max_memory = planned(16) / 2;
  Session some(file.load(), bounded);
  const Explained fewer = explain(some, {image(2)}, options);
  REQUIRE(fewer.trips.size() == 1);
  CHECK(fewer.trips[0] > 1);
  CHECK(fewer.trips[0] < 16);
  CHECK(difference(fewer.maps[0].values, whole.maps[0].values) < 1e-12);
}

TEST_CASE("a batch whose samples meet is not split") {
  const ModelFile file(centred());
  const Tensor x = hashed({4, 4}, 3);
  const ExplainManyOptions options{.methods = {"integrated_gradients"}, .targets = {Target::index(1)}};
  SessionOptions bounded = kDouble;
  Session free(file.load(), kDouble);
  bounded.max_memory = free.inspect({x}, options).planned_bytes - 1;
  Session session(file.load(), bounded);
  const Error refused = error_of([&] {
    // What is computed again in place of being kept may make it fit.
    const Tensor map = explain(session, {x}, options).maps[0].values;
    CHECK(difference(map, explain(free, {x}, options).maps[0].values) == 0);
  });
  CHECK((refused.code() == ErrorCode::failed));
}

}  // namespace
}  // namespace onnxray::test
