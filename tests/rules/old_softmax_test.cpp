#include "tests/catch.h"
#include "tests/onnx/passes/pass_fixture.h"
#include "tests/support/explain.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

/// x -> Conv -> LeakyRelu -> Softmax -> Gemm, all without biases.
Graph attention_net(int64_t opset, Attributes attributes) {
  GraphMaker g;
  const ValueId conv = g.node("Conv", 1, {g.input("x", {2, 3, 2, 2}), g.weights({3, 3, 1, 1})});
  const ValueId weights = g.node("Softmax", opset, {g.node("LeakyRelu", 6, {conv})}, std::move(attributes));
  return g.finish({g.node("Gemm", 9, {g.node("Flatten", 9, {weights}), g.weights({12, 2})})});
}

TEST_CASE("the rule of Softmax sums over what its opset normalises") {
  // R_x = x (R - y sum R) with the rule z around it is x times the gradient.
  for (const Graph& graph :
       {attention_net(11, {{"axis", int64_t{1}}}), attention_net(9, {}),
        attention_net(11, {{"axis", int64_t{2}}}), attention_net(13, {{"axis", int64_t{1}}})}) {
    const Tensor x = wavy({2, 3, 2, 2}, 1);
    const Tensor relevance = test::explain(graph, "lrp_z", x, 0),
                 product = test::explain(graph, "input_t_gradient", x, 0);
    // Rounding in double; the rule z divides by sums that are not small here.
    CHECK(test::difference(relevance, product) < 1e-10);
  }
}

}  // namespace
}  // namespace onnxray
