#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/nets.h"

// Golden numbers of SIGN-XAI 1.x on a net of two dense layers with a zero input, a dead unit and a negative
// logit.

namespace onnxray::test {
namespace {

// The stored values are rounded to eight decimals of numbers of size 1.
constexpr double kGolden = 1e-6;

void check(const std::string& method, int64_t target, const std::vector<double>& wanted) {
  INFO(method << ", target " << target);
  const Net d = model_d();
  CHECK(difference(explain(d.graph, method, d.x, target), wanted) < kGolden);
}

TEST_CASE("the logits of model D are the published ones") {
  const Net d = model_d();
  const Results results = explain_results(d.graph, "gradient", {d.x}, {});
  CHECK(difference(results.at("logits"), {-1.9, 3.1}) < kGolden);
  CHECK(results.at("index:0").to_int64s() == std::vector<int64_t>{1});
  CHECK(difference(results.at("score:0"), {3.1}) < kGolden);
}

TEST_CASE("the gradient of model D is the published one") {
  check("gradient", 1, {-.25, 4, -2});
  check("gradient", 0, {.5, -3, 1.5});
}

TEST_CASE("the sign of an input of zero is +1") { check("gradient_x_sign", 1, {-.25, 4, 2}); }

TEST_CASE("epsilon on model D gives the published relevance") {
  check("lrp_epsilon_0_1", 1, {-.10763884, 0, 3.60590267});
  check("lrp_epsilon_0_1", 0, {.33425921, 0, -2.62129641});
}

TEST_CASE("epsilon in proportion to the layer's standard deviation gives the published relevance") {
  check("lrp_epsilon_0_25_std_x", 1, {.04929781, 0, 3.02029133});
  check("lrpsign_epsilon_0_25_std_x", 1, {-.22918063, 3.66688991, 1.83344495});
}

TEST_CASE("a batch takes the standard deviation of each sample alone") {
  const auto graph = [](int64_t samples) {
    GraphBuilder g;
    const ValueId hidden = g.relu(
        g.dense(g.input("x", {samples, 3}), g.constant(hashed({3, 4}, 1)), g.constant(hashed({4}, 2))));
    return g.build({g.dense(hidden, g.constant(hashed({4, 2}, 3)), g.constant(hashed({2}, 4)))});
  };
  // The samples differ in scale by ten: a shared deviation would be far off for the smaller one.
  const Tensor batch = Tensor::of<double>({2, 3}, {1, 0, -2, 10, 5, -20});
  const Tensor together = explain(graph(2), "lrp_epsilon_0_25_std_x", batch, 1);
  for (int64_t i = 0; i < 2; ++i) {
    CHECK(sample(together, i).to_doubles() ==
          explain(graph(1), "lrp_epsilon_0_25_std_x", sample(batch, i), 1).to_doubles());
  }
}

TEST_CASE("the map of a linear or softmax tail is the map of the logits") {
  const Net d = model_d();
  for (const char* method : {"gradient", "lrp_z", "lrp_epsilon_0_1", "lrpsign_epsilon_0_25_std_x"}) {
    for (const char* tail : {"Identity", "Softmax", "LogSoftmax"}) {
      INFO(method << " before " << tail);
      CHECK(explain(model_d(tail).graph, method, d.x, 1).to_doubles() ==
            explain(d.graph, method, d.x, 1).to_doubles());
    }
  }
}

}  // namespace
}  // namespace onnxray::test
