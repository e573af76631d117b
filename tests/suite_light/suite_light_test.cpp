#include <algorithm>
#include <cmath>

#include "core/difference.h"
#include "tests/catch.h"
#include "tests/suite_light/light_model.h"

namespace onnxray::light {

namespace {

/// The models, or a word on where to get them.
std::vector<LightModel> models_or_warning() {
  std::vector<LightModel> models = light_models();
  if (models.empty())
    WARN("no light models: set ONNXRAY_ONNX_LIGHT to onnx/backend/test/data/light of ONNX's sources");
  return models;
}

void check_output(const LightModel& light, const SessionOptions& options) {
  const Model model = Model::load(light.model);
  Session session(model, options);
  const Tensor actual = session.run({dummy_input(model)}).at(0).tensor;
  const Tensor expected = read_expected(light);
  REQUIRE(actual.shape() == expected.shape());
  // ONNX's own relative tolerance for its backend tests.
  for (int64_t i = 0; i < expected.size(); ++i) {
    if (std::abs(actual.as_double(i) - expected.as_double(i)) <= 1e-3 * std::abs(expected.as_double(i)))
      continue;
    FAIL_CHECK("entry " << i << " is " << actual.as_double(i) << " instead of " << expected.as_double(i));
    return;
  }
}

bool is_finite(const Tensor& values) {
  return std::ranges::all_of(values.data<float>(), [](float v) { return std::isfinite(v); });
}

double largest(const Tensor& values) {
  double result = 0;
  for (int64_t i = 0; i < values.size(); ++i) result = std::max(result, std::abs(values.as_double(i)));
  return result;
}

/// Layer by layer, equal weights bring inception_v2's activations to one value: which entry of a pooling
/// window is the largest is then a matter of rounding, and only the sum of the gradient means something.
bool is_well_posed(const LightModel& light) { return light.name != "inception_v2"; }

std::vector<Attribution> explain(const LightModel& light, const SessionOptions& options) {
  const Model model = Model::load(light.model);
  ExplainManyOptions how;
  how.methods = {"gradient", "lrp_epsilon_0_1"};
  return Session(model, options).explain_many({dummy_input(model)}, how).attributions;
}

}  // namespace

TEST_CASE("the light models compute their expected outputs with oneDNN", "[light]") {
  for (const LightModel& light : models_or_warning()) {
    DYNAMIC_SECTION(light.name) { check_output(light, {.backend = "onednn"}); }
  }
}

TEST_CASE("the light models compute their expected outputs with the reference backend", "[light]") {
  for (const LightModel& light : models_or_warning()) {
    DYNAMIC_SECTION(light.name) { check_output(light, {.backend = "reference"}); }
  }
}

TEST_CASE("oneDNN's explanations of the light models are finite and shaped like the input", "[light]") {
  for (const LightModel& light : models_or_warning()) {
    DYNAMIC_SECTION(light.name) {
      const std::vector<Attribution> attributions = explain(light, {.backend = "onednn"});
      REQUIRE(attributions.size() == 2);
      for (const Attribution& attribution : attributions) {
        CAPTURE(attribution.method);
        CHECK(attribution.values.shape() == Shape{1, 3, 224, 224});
        CHECK(is_finite(attribution.values));
        CHECK(largest(attribution.values) > 0);
      }
    }
  }
}

TEST_CASE("oneDNN explains the light models as the reference backend does", "[light]") {
  for (const LightModel& light : models_or_warning()) {
    if (light.name == "vgg19") continue;  // plain loops in double take half a minute
    DYNAMIC_SECTION(light.name) {
      const auto actual = explain(light, {.backend = "onednn"});
      const auto expected = explain(light, {.backend = "reference", .precision = "double"});
      REQUIRE(actual.size() == expected.size());
      // All weights are equal, so the K partial sums of a convolution round the same way: up to K/2 units
      // in the last place. The worst distance seen is 5.4e-5.
      for (size_t i = 0; i < actual.size() && is_well_posed(light); ++i) {
        CAPTURE(actual[i].method);
        CHECK(relative_difference(actual[i].values, expected[i].values) < 1e-4);
      }
      CHECK(actual[0].sums[0] == Approx(expected[0].sums[0]).epsilon(1e-3));
    }
  }
}

}  // namespace onnxray::light
