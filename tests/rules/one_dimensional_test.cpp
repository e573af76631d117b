#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

/// x [1,2,8] -> convolution -> Relu -> two classes; the convolution as tf2onnx writes a Conv1D, or directly.
Graph series_net(bool as_tf2onnx) {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 2, 8});
  const ValueId b = g.constant(hashed({3}, 2));
  const Tensor w = hashed({3, 2, 3}, 1);
  ValueId y;
  if (as_tf2onnx) {
    const ValueId wide = g.node("Unsqueeze", {x, g.ints({2})});
    y = g.node("Squeeze", {g.node("Conv", {wide, g.constant(w.reshaped({3, 2, 1, 3})), b}), g.ints({2})});
  } else {
    y = g.node("Conv", {x, g.constant(w), b});
  }
  const ValueId flat = g.flatten(g.relu(y));
  return g.build({g.dense(flat, g.constant(hashed({18, 2}, 3)), g.constant(hashed({2}, 4)))});
}

TEST_CASE("a Conv1D between Unsqueeze and Squeeze is explained as the direct form, under every rule") {
  const Graph direct = series_net(false), wrapped = series_net(true);
  const Tensor x = hashed({1, 2, 8}, 5);
  for (const char* method : {"gradient", "guided_backprop", "lrp_z", "lrp_epsilon_0_1", "lrpsign_epsilon_0_1",
                             "lrp_alpha_1_beta_0", "lrp_gamma", "lrp_flat", "lrp_w_square", "deep_taylor"}) {
    INFO(method);
    // The same sums in double, in another order at worst.
    CHECK(difference(explain(wrapped, method, x, 1), explain(direct, method, x, 1)) < 1e-12);
  }
}

}  // namespace
}  // namespace onnxray::test
