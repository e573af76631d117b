#include <cmath>

#include "core/difference.h"
#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray {
namespace {

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";

struct Shipped {
  std::string file;
  Shape shape;
};
const std::vector<Shipped> kShipped{{"fashion_mnist_torch.onnx", {2, 1, 28, 28}},
                                    {"fashion_mnist_keras.onnx", {2, 28, 28, 1}},
                                    {"ecg.onnx", {2, 1, 512}}};

/// Waves with both signs.
Tensor waves(const Shape& shape) {
  Tensor x(DType::f32, shape);
  for (int64_t i = 0; i < x.size(); ++i)
    x.mutable_data<float>()[static_cast<size_t>(i)] = std::sin(0.37F * static_cast<float>(i)) + 0.2F;
  return x;
}

const SessionOptions kTwoThreads{"auto", "fp32", 2};

/// Outputs of the exported model by name.
std::map<std::string, Tensor> run_export(Session& session, const Tensor& x,
                                         const ExplainManyOptions& options) {
  const test::ModelFile file(session.export_onnx({x}, options));
  Session written(file.load(), kTwoThreads);
  std::map<std::string, Tensor> results;
  for (NamedTensor& output : written.run({x})) results.emplace(output.name, std::move(output.tensor));
  return results;
}

// The exported model runs in the same backend, so only the order of sums differs: 1e-5 leaves room for rules
// that divide by sums near zero.
constexpr double kTolerance = 1e-5;

TEST_CASE("an exported explanation, read back, equals explain, for every family of methods") {
  const Shipped& shipped = kShipped[GENERATE(0U, 1U, 2U)];
  const std::string method =
      GENERATE("gradient_x_sign", "guided_backprop", "deconvnet", "integrated_gradients:steps=3", "grad_cam",
               "guided_grad_cam", "occlusion:window=9,stride=9", "deep_taylor", "lrp_epsilon_0_25_std_x",
               "lrp_alpha_2_beta_1", "lrp_gamma", "lrpsign_epsilon_0_1", "zblrp_z_plus:low=-2,high=2",
               "lrp:composite=epsilon_plus_flat", "lrp:composite=excitation_backprop");
  CAPTURE(shipped.file, method);
  Session session(Model::load(kModels + shipped.file), kTwoThreads);
  const Tensor x = waves(shipped.shape);
  const Explanations expected = session.explain_many({x}, {{method}});
  const auto results = run_export(session, x, {{method}});
  CHECK(relative_difference(results.at("attribution"), expected.attributions[0].values) < kTolerance);
  for (const NamedTensor& output : expected.outputs)
    CHECK(relative_difference(results.at(output.name), output.tensor) < kTolerance);
}

TEST_CASE("several methods and targets are exported under their names") {
  Session session(Model::load(kModels + kShipped[0].file), kTwoThreads);
  const Tensor x = waves(kShipped[0].shape);
  // Two programs: integrated gradients has a loop of its own.
  const ExplainManyOptions options{{"lrp_z", "integrated_gradients:steps=2"},
                                   {Target::argmax(), Target::index(3)}};
  const Explanations expected = session.explain_many({x}, options);
  const auto results = run_export(session, x, options);
  CHECK(results.size() == 1 + 4);
  for (const Attribution& a : expected.attributions)
    CHECK(relative_difference(results.at(a.method + "@" + std::to_string(a.target)), a.values) < kTolerance);
}

TEST_CASE("given baselines and noise become constants of the export") {
  Session session(Model::load(kModels + kShipped[2].file), kTwoThreads);
  const Tensor x = waves(kShipped[2].shape);
  ExplainManyOptions options{{"integrated_gradients:steps=2"}};
  options.baselines = {Tensor::filled(DType::f32, x.shape(), 0.1)};
  const auto results = run_export(session, x, options);
  CHECK(relative_difference(results.at("attribution"),
                            session.explain_many({x}, options).attributions[0].values) < kTolerance);
}

TEST_CASE("noise that onnxray draws is refused by name") {
  Session session(Model::load(kModels + kShipped[2].file), kTwoThreads);
  const Tensor x = waves(kShipped[2].shape);
  CHECK(test::says(test::error_of([&] { session.export_onnx({x}, {{"smoothgrad"}}); }),
                   ErrorCode::unsupported, "noise_file"));
}

}  // namespace
}  // namespace onnxray
