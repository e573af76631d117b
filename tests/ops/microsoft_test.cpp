#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

OneNode fused(const std::string& op) { return OneNode(op, 1, "com.microsoft"); }

void check_equal(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  for (int64_t i = 0; i < a.size(); ++i) CHECK(a.as_double(i) == Approx(b.as_double(i)));
}

const Tensor kX = wavy({2, 3, 4}, 1), kW = wavy({2, 4, 3}, 2);

TEST_CASE("a fused product transposes and scales its operands") {
  const Tensor plain = OneNode("MatMul", 13).input(kX).input(kW).run();
  const Tensor swapped = OneNode("Transpose", 13).attr("perm", std::vector<int64_t>{0, 2, 1}).input(kW).run();
  const Tensor y =
      fused("FusedMatMul").attr("transB", int64_t{1}).attr("alpha", 0.5).input(kX).input(swapped).run();
  for (int64_t i = 0; i < y.size(); ++i) CHECK(y.as_double(i) == Approx(0.5 * plain.as_double(i)));
}

TEST_CASE("a fused convolution adds and activates") {
  const Tensor x = wavy({1, 2, 4}, 1), w = wavy({3, 2, 2}, 2), b = wavy({3}, 3), z = wavy({1, 3, 3}, 4);
  const Tensor plain = OneNode("Conv", 11).input(x).input(w).input(b).run();
  const Tensor y = fused("FusedConv")
                       .attr("activation", std::string("LeakyRelu"))
                       .attr("activation_params", std::vector<double>{0.1})
                       .input(x)
                       .input(w)
                       .input(b)
                       .input(z)
                       .run();
  for (int64_t i = 0; i < y.size(); ++i) {
    const double sum = plain.as_double(i) + z.as_double(i);
    CHECK(y.as_double(i) == Approx(sum > 0 ? sum : 0.1 * sum));
  }
}

TEST_CASE("a skip normalisation is the norm of a sum") {
  const Tensor skip = wavy({2, 3, 4}, 5), gamma = wavy({4}, 6), beta = wavy({4}, 7);
  const Tensor y = fused("SkipLayerNormalization").input(kX).input(skip).input(gamma).input(beta).run();
  const Tensor sum = OneNode("Add", 14).input(kX).input(skip).run();
  check_equal(y, OneNode("LayerNormalization", 17).input(sum).input(gamma).input(beta).run());
}

TEST_CASE("the fused attention is the one of ai.onnx over three projections") {
  const Tensor x = wavy({1, 3, 4}, 1), w = wavy({4, 12}, 2), b = wavy({12}, 3);
  const Tensor y = fused("Attention").attr("num_heads", int64_t{2}).input(x).input(w).input(b).run();
  const Tensor all = OneNode("Add", 14).input(OneNode("MatMul", 13).input(x).input(w).run()).input(b).run();
  const auto qkv =
      OneNode("Split", 13).attr("axis", int64_t{2}).input(all).constant({4, 4, 4}).outputs(3).run_all();
  check_equal(y, OneNode("Attention", 23)
                     .attr("q_num_heads", int64_t{2})
                     .attr("kv_num_heads", int64_t{2})
                     .input(qkv[0])
                     .input(qkv[1])
                     .input(qkv[2])
                     .run());
}

TEST_CASE("the fused activations are those of ai.onnx") {
  const Tensor bias = wavy({4}, 3), sum = OneNode("Add", 14).input(kX).input(bias).run();
  check_equal(fused("BiasGelu").input(kX).input(bias).run(), OneNode("Gelu", 20).input(sum).run());
  check_equal(fused("FastGelu").input(kX).run(),
              OneNode("Gelu", 20).attr("approximate", std::string("tanh")).input(kX).run());
  const double x = kX.as_double(0);
  CHECK(fused("QuickGelu").input(kX).run().as_double(0) == Approx(x / (1 + std::exp(-1.702 * x))));
}

}  // namespace
}  // namespace onnxray
