#include "rules/relu_override.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"

namespace onnxray::test {
namespace {

using Values = std::vector<double>;

// Numbers that are exact in double but for the last bits of products.
constexpr double kExact = 1e-12;

TEST_CASE("guided backprop on model D gives the published map for both seeds") {
  const Net d = model_d();
  CHECK(difference(explain(d.graph, "guided_backprop", d.x, 1), Values{2.325, 9.3, -4.65}) < kExact);
  CHECK(difference(explain(d.graph, "guided_backprop", d.x, 0), Values{.95, 3.8, -1.9}) < kExact);
  CHECK(difference(explain_under("zennit", d.graph, "guided_backprop", d.x, 1), Values{.75, 3, -1.5}) <
        kExact);
  CHECK(difference(explain_under("zennit", d.graph, "guided_backprop", d.x, 0), Values{1, -1, .5}) < kExact);
}

TEST_CASE("deconvnet on model D gives the published map for both seeds") {
  const Net d = model_d();
  CHECK(difference(explain(d.graph, "deconvnet", d.x, 1), Values{-.775, 10.85, -3.1}) < kExact);
  CHECK(difference(explain(d.graph, "deconvnet", d.x, 0), Values{.95, 3.8, -1.9}) < kExact);
  CHECK(difference(explain_under("zennit", d.graph, "deconvnet", d.x, 1), Values{-.25, 3.5, -1}) < kExact);
  CHECK(difference(explain_under("zennit", d.graph, "deconvnet", d.x, 0), Values{-3, 1, 2.5}) < kExact);
}

/// y = 2 r - 3 r for r = op(x): two readers whose gradients differ in sign.
Tensor two_readers(const std::string& method, const std::string& op, Attributes attributes = {}) {
  GraphBuilder g;
  const ValueId r = g.node(op, {g.input("x", {1, 3})}, std::move(attributes));
  const ValueId y = g.node("Add", {g.node("Mul", {r, g.constant({1, 3}, {2, 2, 3})}),
                                   g.node("Mul", {r, g.constant({1, 3}, {-3, -3, -2})})});
  const ValueId total = g.node("ReduceSum", {y, g.ints({1})});
  return explain_under("zennit", g.build({total}), method, Tensor::of<double>({1, 3}, {5, -5, 4}), 0);
}

TEST_CASE("the sum over all readers of a rectifier is clipped, not each part") {
  CHECK(two_readers("guided_backprop", "Relu").to_doubles() == Values{0, 0, 1});
  CHECK(two_readers("deconvnet", "Relu").to_doubles() == Values{0, 0, 1});
  CHECK(two_readers("gradient", "Relu").to_doubles() == Values{-1, 0, 1});
}

TEST_CASE("leaky rectifiers are clipped too, and keep their slope under guided backprop") {
  CHECK(two_readers("guided_backprop", "LeakyRelu", {{"alpha", 0.5}}).to_doubles() == Values{0, 0, 1});
  GraphBuilder g;
  const Graph leaky = g.build({g.node("LeakyRelu", {g.input("x", {1, 2})}, {{"alpha", 0.5}})});
  const Tensor x = Tensor::of<double>({1, 2}, {-3, 2});
  CHECK(explain_under("zennit", leaky, "guided_backprop", x, 0).to_doubles() == Values{.5, 0});
  CHECK(explain_under("zennit", leaky, "deconvnet", x, 0).to_doubles() == Values{1, 0});
}

TEST_CASE("a clip is a rectifier where it starts at zero") {
  const auto clip = [](double low) {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 2});
    return g.build({g.node("Neg", {g.node("Clip", {x, g.constant({}, {low}), g.constant({}, {6})})})});
  };
  const Tensor x = Tensor::of<double>({1, 2}, {3, 4});
  CHECK(explain_under("zennit", clip(0), "guided_backprop", x, 0).to_doubles() == Values{0, 0});
  CHECK(explain_under("zennit", clip(-1), "guided_backprop", x, 0).to_doubles() == Values{-1, 0});
}

TEST_CASE("without a rectifier both methods are the gradient") {
  GraphBuilder g;
  const Graph linear =
      g.build({g.dense(g.input("x", {1, 3}), g.constant(hashed({3, 2}, 5)), g.constant(hashed({2}, 6)))});
  const Tensor x = hashed({1, 3}, 7), gradient = explain(linear, "gradient", x, 1);
  for (const std::string method : {"guided_backprop", "deconvnet"}) {
    CHECK(difference(explain_under("zennit", linear, method, x, 1), gradient) == 0);
  }
}

}  // namespace
}  // namespace onnxray::test
