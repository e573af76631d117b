#include "methods/stem.h"

#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

// The input layer of integrated gradients and SmoothGrad, once in front of or behind the loop.

namespace onnxray::test {
namespace {

/// Steps of a loop's body by primitive.
std::map<std::string, int64_t> repeated(const Program& program) {
  std::map<std::string, int64_t> counts;
  for (const Step& step : program.steps) {
    if (step.block == Block::repeat) ++counts[std::string(name_of(step.primitive))];
  }
  return counts;
}

struct Options {
  int64_t channels = 8;  ///< of the input: 8 make 144 flops per result of the first layer
  bool relu_first = false;
  bool affine_first = false;
  bool skip = false;  ///< the input also goes past the first layer
  int64_t batch = 2;
};

/// [Relu or scale and shift,] Conv - Relu - Conv - Relu - Gemm.
Graph net(const Options& o) {
  GraphBuilder g;
  const ValueId image = g.input("x", {o.batch, o.channels, 4, 4});
  ValueId x = image;
  if (o.relu_first) x = g.relu(x);
  if (o.affine_first)
    x = g.node("Sub", {g.node("Mul", {x, g.constant({1, o.channels, 1, 1}, hashed_values(o.channels, 7))}),
                       g.constant({}, {0.3})});
  ValueId v = g.relu(g.conv(x, g.constant(hashed({8, o.channels, 3, 3}, 1)), g.constant(hashed({8}, 2))));
  v = g.relu(g.conv(v, g.constant(hashed({8, 8, 3, 3}, 3)), g.constant(hashed({8}, 4))));
  if (o.skip) v = g.node("Add", {v, x});
  return g.build({g.dense(g.flatten(v), g.constant(hashed({128, 3}, 5)), g.constant(hashed({3}, 6)))});
}

TEST_CASE("a first layer worth it leaves the loop") {
  const auto of_loop = [](const std::string& method, const Options& o) {
    auto counts = repeated(explanation_program(net(o), method));
    return std::pair{counts["convolution"], counts["convolution_input"]};
  };
  using Pair = std::pair<int64_t, int64_t>;
  CHECK(of_loop("integrated_gradients", {}) == Pair{1, 1});
  CHECK(of_loop("integrated_gradients", {.affine_first = true}) == Pair{1, 1});
  // Noise is new in every step, so its forward pass stays.
  CHECK(of_loop("smoothgrad", {}) == Pair{2, 1});
  // A square is not linear in the gradient.
  CHECK(of_loop("smoothgrad_squared", {}) == Pair{2, 2});
  CHECK(of_loop("vargrad", {}) == Pair{2, 2});
  // Three channels: 54 flops per result.
  CHECK(of_loop("integrated_gradients", {.channels = 3}) == Pair{2, 2});
  // Something else sees the input.
  CHECK(of_loop("integrated_gradients", {.relu_first = true}) == Pair{2, 2});
  CHECK(of_loop("integrated_gradients", {.skip = true}) == Pair{2, 2});
  // The adjoint of the first layer runs once, behind the loop.
  const auto all = count_primitives(explanation_program(net({}), "integrated_gradients"));
  CHECK(all.at("convolution_input") == 2);
}

TEST_CASE("entering the loop behind the first layer changes nothing but rounding") {
  // Inputs, baseline and noise stay positive, where a Relu in front of the net is no difference but keeps the
  // first layer in the loop.
  Tensor x = hashed({2, 8, 4, 4}, 9, 0.4);
  x = zip(x, x, [](double v, double) { return v + 1; });
  for (const bool affine : {false, true}) {
    const Graph plain = net({.affine_first = affine}),
                behind = net({.relu_first = true, .affine_first = affine});
    for (const char* method : {"integrated_gradients:baseline=0.25",
                               "integrated_gradients:baseline=0.25,ig_quadrature=gauss_legendre",
                               "integrated_gradients_x_input:baseline=0.25", "smoothgrad_noise_0_05",
                               "smoothgrad_noise_0_05_x_sign"}) {
      INFO(method);
      const Results a = explain_results(plain, method, {x}, target_index({1}));
      const Results b = explain_results(behind, method, {x}, target_index({1}));
      CHECK(difference(a.at("attribution:0:0:0"), b.at("attribution:0:0:0")) < 1e-12);
      if (const auto gap = b.find("gap:0:0"); gap != b.end())
        CHECK(a.at("gap:0:0").as_double(1) == Approx(gap->second.as_double(1)).margin(1e-12));
    }
  }
}

TEST_CASE("two inputs with a layer each enter the loop behind both") {
  const auto two = [](bool relu_first) {
    GraphBuilder g;
    std::vector<ValueId> hidden;
    for (const int64_t i : {0, 1}) {
      ValueId x = g.input("x" + std::to_string(i), {2, 70});
      if (relu_first) x = g.relu(x);
      hidden.push_back(g.dense(x, g.constant(hashed({70, 5}, 20 + i)), g.constant(hashed({5}, 30 + i))));
    }
    return g.build(
        {g.dense(g.relu(g.node("Add", hidden)), g.constant(hashed({5, 3}, 1)), g.constant(hashed({3}, 2)))});
  };
  // The adjoint of the last layer is all that is left; its forward pass nobody reads.
  CHECK(repeated(explanation_program(two(false), "integrated_gradients"))["matmul"] == 1);
  CHECK(repeated(explanation_program(two(true), "integrated_gradients"))["matmul"] == 5);
  const auto positive = [](int64_t seed) {
    const Tensor x = hashed({2, 70}, seed, 0.4);
    return zip(x, x, [](double v, double) { return v + 1; });
  };
  const std::vector<Tensor> x{positive(1), positive(2)};
  for (const char* method : {"integrated_gradients:baseline=0.25", "smoothgrad_noise_0_05"}) {
    const std::vector<Tensor> a = explain_all(two(false), method, x, 1),
                              b = explain_all(two(true), method, x, 1);
    for (size_t i = 0; i < 2; ++i) CHECK(difference(a[i], b[i]) < 1e-12);  // rounding
  }
}

TEST_CASE("a model that is one layer is explained from its own result") {
  GraphBuilder g;
  const Graph linear =
      g.build({g.dense(g.input("x", {1, 80}), g.constant(hashed({80, 2}, 5)), g.constant(hashed({2}, 6)))});
  const Tensor x = hashed({1, 80}, 7);
  for (const char* method : {"integrated_gradients", "smoothgrad_x_input"}) {
    // Equal up to the rounding of a sum of 50 terms.
    CHECK(difference(explain(linear, method, x, 1), explain(linear, "gradient_x_input", x, 1)) < 1e-12);
  }
}

}  // namespace
}  // namespace onnxray::test
