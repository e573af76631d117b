#include "cli/csv.h"
#include "cli/npy.h"
#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/agreement.h"
#include "tests/support/explain.h"
#include "tests/support/method_cases.h"

namespace onnxray::test {
namespace {

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";

struct Case {
  std::string name;
  Model model;
  Tensor x;
  NetKind kind = NetKind::images;
  int64_t window = 2;
};

Tensor strip(const std::string& file) {
  const Tensor column = cli::read_csv(kModels + "samples/" + file);
  return Tensor::of<double>({1, 1, column.size()}, column.to_doubles()).to(DType::f32);
}

std::vector<Case> shipped() {
  const auto model = [](const char* name) { return Model::load(kModels + name + ".onnx"); };
  const auto image = [](const char* name) { return cli::read_npy(kModels + "samples/" + name + ".npy"); };
  return {
      {"Fashion-MNIST, torch", model("fashion_mnist_torch"), image("fashion_bag_nchw"), NetKind::images, 14},
      {"Fashion-MNIST, Keras", model("fashion_mnist_keras"), image("fashion_bag_nhwc"), NetKind::images, 14},
      {"ECG", model("ecg"), strip("ecg_ventricular.csv"), NetKind::series, 256}};
}

std::vector<Tensor> maps_of(Session& session, const std::vector<std::string>& methods, const Tensor& x) {
  ExplainManyOptions options{.methods = methods};
  options.parameters = {{"steps", "3"}, {"samples", "3"}};
  std::vector<Tensor> maps;
  for (Attribution& a : session.explain_many({x}, options).attributions) maps.push_back(std::move(a.values));
  return maps;
}

void compare(const Case& test) {
  const std::vector<std::string> methods = method_cases(test.kind, test.window);
  Session in_double(test.model, {.backend = "reference", .precision = "double"}),
      onednn(test.model, {.backend = "onednn", .threads = 2});
  const auto exact = maps_of(in_double, methods, test.x),
             moved = maps_of(in_double, methods, nudged(test.x, 0)),
             again = maps_of(in_double, methods, nudged(test.x, 1)), fast = maps_of(onednn, methods, test.x);
  REQUIRE(fast.size() == methods.size());
  for (size_t m = 0; m < methods.size(); ++m) {
    INFO(test.name << ", " << methods[m]);
    for (int64_t i = 0; i < test.x.shape()[0]; ++i) {
      const Tensor wanted = sample(exact[m], i);
      // Of the largest entry. Small denominators (units whose contributions cancel) and units beside a kink
      // magnify rounding, that of sums in float too: by how much, the exact map of an input that is off by
      // rounding says. Whatever it says, nothing is off by more than 1 %.
      const double magnified = std::min(
          1e-3, std::max(difference(sample(moved[m], i), wanted), difference(sample(again[m], i), wanted)));
      CHECK(difference(sample(fast[m], i), wanted) < std::max(float_tolerance(methods[m]), 10 * magnified));
    }
  }
}

TEST_CASE("onednn agrees with the reference in double, by every method, on the models that ship") {
  for (const Case& test : shipped()) compare(test);
}

TEST_CASE("onednn agrees with the reference in double, by every method, on a batch") {
  compare({"classifier", ModelFile(classifier()).load(), image(2)});
  compare({"residual net", ModelFile(residual()).load(), image(2)});
}

TEST_CASE("a value on the threshold of a sign lies above it in every precision") {
  const Model model = ModelFile(classifier()).load();
  Tensor x = image(1);
  // As floats, -0.3 and 0.7 are a little less than they say, 0.1 a little more.
  const std::string numbers[] = {"0_1", "neg_0_3", "0_7"};
  x.mutable_data<float>()[0] = 0.1F;
  x.mutable_data<float>()[1] = -0.3F;
  x.mutable_data<float>()[2] = 0.7F;
  for (const char* precision : {"fp32", "double"}) {
    Session session(model, {.backend = "reference", .precision = precision});
    const auto map = [&](const std::string& method) {
      return session.explain(x, {.method = method, .target = Target::index(1)}).attribution;
    };
    const Tensor gradient = map("gradient");
    for (int64_t i = 0; i < 3; ++i) {
      INFO(precision << ", mu " << numbers[i]);
      CHECK(map("gradient_x_sign_mu_" + numbers[i]).as_double(i) == gradient.as_double(i));
      const double lrp = map("lrpsign_z_mu_" + numbers[i]).as_double(i);
      CHECK(lrp == map("lrp_z:input_layer_rule=SIGNmu,mu=-9").as_double(i));
    }
  }
}

TEST_CASE("the number of threads does not change an explanation") {
  const Model model = ModelFile(classifier()).load();
  Session one(model, {.backend = "onednn", .threads = 1}), two(model, {.backend = "onednn", .threads = 2});
  // Threads share out independent sums; a kernel may still be chosen by their number.
  CHECK(difference(one.explain(image(2), {.method = "lrp_epsilon_0_1"}).attribution,
                   two.explain(image(2), {.method = "lrp_epsilon_0_1"}).attribution) < 1e-5);
}

}  // namespace
}  // namespace onnxray::test
