#include "backends/reference/reference.h"
#include "core/optimise/optimise.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

/// The attribution of model C, target 1, with noise that the test gives.
Tensor with_noise(const std::string& method, const Net& net, const Tensor& noise, int64_t target = 1) {
  ExplainSpec spec = explain_spec(method);
  spec.noise = {noise.shape()};
  Program program = emit_explanation(net.graph, OpRegistry::builtin(), spec);
  optimise(program, *make_reference_backend(true));
  return run(program,
             {net.x, noise,
              Tensor::of<int64_t>({net.x.shape()[0]},
                                  std::vector<int64_t>(static_cast<size_t>(net.x.shape()[0]), target))})
      .at("attribution:0:0:0");
}

/// The gradients at x + noise[s], one by one.
std::vector<Tensor> gradients(const Net& net, const Tensor& noise) {
  std::vector<Tensor> all;
  for (int64_t s = 0; s < noise.shape()[0]; ++s) {
    const Tensor moved = zip(net.x, sample(noise, s).reshaped(net.x.shape()), std::plus<>());
    all.push_back(explain(net.graph, "gradient", moved, 1));
  }
  return all;
}

struct Moments {
  std::vector<double> mean, square, variance;
};

Moments moments_of(const std::vector<Tensor>& all) {
  const auto n = static_cast<double>(all.size());
  Moments m;
  for (int64_t i = 0; i < all[0].size(); ++i) {
    double mean = 0, square = 0, variance = 0;
    for (const Tensor& g : all) mean += g.as_double(i) / n, square += g.as_double(i) * g.as_double(i) / n;
    for (const Tensor& g : all) variance += (g.as_double(i) - mean) * (g.as_double(i) - mean) / n;
    m.mean.push_back(mean), m.square.push_back(square), m.variance.push_back(variance);
  }
  return m;
}

constexpr double kRounding = 1e-12;  // sums of seven terms in another order

TEST_CASE("with given noise SmoothGrad and VarGrad are the exact moments of the gradients") {
  const Net c = model_c();
  const Tensor noise = hashed({7, 1, 4, 4, 2}, 3, 0.8);
  const Moments m = moments_of(gradients(c, noise));
  CHECK(difference(with_noise("smoothgrad", c, noise), m.mean) < kRounding);
  CHECK(difference(with_noise("smoothgrad_squared", c, noise), m.square) < kRounding);
  CHECK(difference(with_noise("vargrad", c, noise), m.variance) < kRounding);
  CHECK(*std::ranges::max_element(m.variance) > 0);
}

TEST_CASE("the variance of one gradient is zero") {
  const Net c = model_c();
  for (const double v : with_noise("vargrad", c, hashed({1, 1, 4, 4, 2}, 3)).to_doubles()) CHECK(v == 0);
  for (const double v : explain(c.graph, "vargrad_samples_1", c.x, 1).to_doubles()) CHECK(v == 0);
}

TEST_CASE("without noise SmoothGrad is the gradient and VarGrad is zero") {
  const Net c = model_c();
  CHECK(difference(explain(c.graph, "smoothgrad_noise_0_samples_5", c.x, 1),
                   explain(c.graph, "gradient", c.x, 1)) < kRounding);
  CHECK(sum(explain(c.graph, "vargrad_noise_0_samples_5", c.x, 1)) == Approx(0).margin(1e-20));
  CHECK(difference(explain(c.graph, "smoothgrad:samples=1,clean_sample=last", c.x, 1),
                   explain(c.graph, "gradient", c.x, 1)) == 0);
}

TEST_CASE("noise depends on the seed, and not on the batch") {
  const Net net = conv_net({.batch = 3}), one = conv_net();
  const Results all = explain_results(net.graph, "smoothgrad_samples_6", {net.x}, target_index({2}));
  for (int64_t n = 0; n < 3; ++n) {
    CHECK(difference(sample(all.at("attribution:0:0:0"), n),
                     explain(one.graph, "smoothgrad_samples_6", sample(net.x, n), 2)) == 0);
  }
  const Tensor x = sample(net.x, 0), first = explain(one.graph, "smoothgrad_samples_6:seed=1", x, 2);
  CHECK(difference(explain(one.graph, "smoothgrad_samples_6:seed=1", x, 2), first) == 0);
  CHECK(difference(explain(one.graph, "smoothgrad_samples_6:seed=2", x, 2), first) > 0);
}

TEST_CASE("noise relative to the range is absolute noise times max - min") {
  const Net d = model_d();  // x = (1, 0, -2): range 3
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3});
  const Graph square = g.build({g.node("ReduceSum", {g.node("Mul", {x, x}), g.ints({1})})});
  // The quotient of two roundings of 0.3.
  CHECK(difference(explain(square, "smoothgrad:noise=range,noise_scale=0.1", d.x, 0),
                   explain(square, "smoothgrad:noise_scale=0.3", d.x, 0)) < kRounding);
}

TEST_CASE("the mean gradient of a square is 2 x plus twice the mean noise, its variance 4 sigma^2") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 3});
  const Graph square = g.build({g.node("ReduceSum", {g.node("Mul", {x, x}), g.ints({1})})});
  const Tensor at = Tensor::of<double>({1, 3}, {1, 0, -2});
  const Tensor mean = explain(square, "smoothgrad_noise_0_1_samples_4000", at, 0),
               variance = explain(square, "vargrad_noise_0_1_samples_4000", at, 0);
  for (int64_t i = 0; i < 3; ++i) {
    // Five standard errors: 0.2 / sqrt(4000) and 0.04 sqrt(2 / 4000).
    CHECK(mean.as_double(i) == Approx(2 * at.as_double(i)).margin(5 * 0.2 / std::sqrt(4000)));
    CHECK(variance.as_double(i) == Approx(0.04).margin(5 * 0.04 * std::sqrt(2.0 / 4000)));
  }
}

TEST_CASE("noise of a wrong shape is refused") {
  const Net c = model_c();
  CHECK(says(error_of([&] {
               with_noise("smoothgrad", c, hashed({7, 4, 4, 2, 1}, 3));
             }),
             ErrorCode::usage, "[samples, ...]"));
  for (const char* method : {"smoothgrad_samples_4", "vargrad:samples=4"}) {
    CHECK(says(error_of([&] {
                 with_noise(method, c, hashed({7, 1, 4, 4, 2}, 3));
               }),
               ErrorCode::usage, "asks for 4 samples, the given noise has 7"));
  }
  CHECK(says(error_of([&] { explain(c.graph, "smoothgrad:seed=-1", c.x, 1); }), ErrorCode::usage, "seed"));
}

}  // namespace
}  // namespace onnxray::test
