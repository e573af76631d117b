#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"
#include "tests/support/wavy.h"

namespace onnxray {
namespace {

using Names = std::vector<std::string>;

// X [T,B,I] = [4,2,3], H = 2
const Tensor kX = wavy({4, 2, 3}, 1);

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST_CASE("an RNN is tanh(x w + h r + b) step after step") {
  // One feature, one hidden unit: w = 0.5, r = -2, b = 0.1 + 0.2.
  const Tensor y = OneNode("RNN", 14)
                       .input({2, 1, 1}, {1, 3})
                       .input({1, 1, 1}, {0.5})
                       .input({1, 1, 1}, {-2})
                       .input({1, 2}, {0.1, 0.2})
                       .run();
  const double first = std::tanh(0.5 + 0.3), second = std::tanh(1.5 - 2 * first + 0.3);
  CHECK(y.shape() == Shape{2, 1, 1, 1});
  CHECK(y.as_double(0) == Approx(first));
  CHECK(y.as_double(1) == Approx(second));
}

TEST_CASE("an LSTM's gates come in the order input, output, forget, cell") {
  const Tensor y = OneNode("LSTM", 14)
                       .input({1, 1, 1}, {1})
                       .input({1, 4, 1}, {0.1, 0.2, 0.3, 0.4})
                       .input({1, 4, 1}, {0, 0, 0, 0})
                       .omit()
                       .omit()
                       .input({1, 1, 1}, {0})
                       .input({1, 1, 1}, {2})
                       .run();
  const double cell = sigmoid(0.3) * 2 + sigmoid(0.1) * std::tanh(0.4);
  CHECK(y.as_double(0) == Approx(sigmoid(0.2) * std::tanh(cell)));
}

TEST_CASE("a GRU resets the state before or after its product, as the node asks") {
  const auto gru = [](int64_t after) {
    return OneNode("GRU", 14)
        .attr("linear_before_reset", after)
        .input({1, 1, 1}, {1})
        .input({1, 3, 1}, {0.1, 0.2, 0.3})
        .input({1, 3, 1}, {0, 0, 0.5})
        .input({1, 6}, {0, 0, 0, 0, 0, 0.7})
        .omit()
        .input({1, 1, 1}, {2})
        .run()
        .as_double(0);
  };
  const double z = sigmoid(0.1), r = sigmoid(0.2);
  CHECK(gru(0) == Approx((1 - z) * std::tanh(0.3 + r * 2 * 0.5 + 0.7) + z * 2));
  CHECK(gru(1) == Approx((1 - z) * std::tanh(0.3 + r * (2 * 0.5 + 0.7)) + z * 2));
}

OneNode lstm(const std::string& direction, const Tensor& x, int64_t directions) {
  return OneNode("LSTM", 14)
      .attr("direction", direction)
      .input(x)
      .input(wavy({directions, 8, 3}, 2))
      .input(wavy({directions, 8, 2}, 3))
      .input(wavy({directions, 16}, 4))
      .outputs(3);
}

TEST_CASE("a reversed recurrent node is the forward one on the reversed sequence") {
  const Tensor backwards = OneNode("ReverseSequence", 10).input(kX).constant({4, 4}).run();
  const auto reverse = lstm("reverse", kX, 1).run_all(), forward = lstm("forward", backwards, 1).run_all();
  for (int64_t t = 0; t < 4; ++t) {
    for (int64_t i = 0; i < 4; ++i)
      CHECK(reverse[0].as_double(4 * t + i) == Approx(forward[0].as_double(4 * (3 - t) + i)));
  }
  for (int64_t i = 0; i < 4; ++i) CHECK(reverse[2].as_double(i) == Approx(forward[2].as_double(i)));
}

TEST_CASE("a sequence ends at its length: outputs are zero behind it, the state is what it was") {
  const Tensor head = OneNode("Slice", 13).input(kX).constant({0}).constant({2}).constant({0}).run();
  const auto node = [](const Tensor& x) {
    return OneNode("GRU", 14)
        .attr("direction", std::string("bidirectional"))
        .input(x)
        .input(wavy({2, 6, 3}, 2))
        .input(wavy({2, 6, 2}, 3))
        .omit();
  };
  const auto masked = node(kX).constant(Tensor::of<int32_t>({2}, {2, 4})).outputs(2).run_all();
  const auto whole = node(kX).outputs(2).run_all(), cut = node(head).outputs(2).run_all();
  for (int64_t d = 0; d < 2; ++d) {  // Y [T,D,B,H], Y_h [D,B,H]
    for (int64_t h = 0; h < 2; ++h) {
      CHECK(masked[0].as_double(((3 * 2 + d) * 2 + 0) * 2 + h) == 0);
      CHECK(masked[0].as_double(((1 * 2 + d) * 2 + 0) * 2 + h) ==
            Approx(cut[0].as_double(((1 * 2 + d) * 2 + 0) * 2 + h)));
      CHECK(masked[1].as_double((d * 2 + 0) * 2 + h) == Approx(cut[1].as_double((d * 2 + 0) * 2 + h)));
      CHECK(masked[1].as_double((d * 2 + 1) * 2 + h) == Approx(whole[1].as_double((d * 2 + 1) * 2 + h)));
    }
  }
}

TEST_CASE("activations may be named, with their parameters, and what goes into them clipped") {
  const auto rnn = [](Names names, std::vector<double> alpha, std::vector<double> beta, double clip) {
    return OneNode("RNN", 14)
        .attr("activations", std::move(names))
        .attr("activation_alpha", std::move(alpha))
        .attr("activation_beta", std::move(beta))
        .attr("clip", clip)
        .input({1, 1, 1}, {-3})
        .input({1, 1, 1}, {1})
        .input({1, 1, 1}, {0})
        .run()
        .as_double(0);
  };
  CHECK(rnn({"LeakyRelu"}, {0.25}, {}, 0) == Approx(-0.75));
  CHECK(rnn({"Affine"}, {2}, {1}, 0) == Approx(-5));
  CHECK(rnn({"ScaledTanh"}, {2}, {0.5}, 0) == Approx(2 * std::tanh(-1.5)));
  CHECK(rnn({"Affine"}, {2}, {1}, 1.5) == Approx(-2));
  CHECK_THAT(OneNode("RNN", 14)
                 .attr("activations", Names{"Cube"})
                 .input({1, 1, 1}, {1})
                 .input({1, 1, 1}, {1})
                 .input({1, 1, 1}, {1})
                 .error(),
             Catch::Contains("its activation 'Cube' is none that ONNX lists"));
}

TEST_CASE("weights of another size than the sequence needs are refused with both shapes") {
  CHECK_THAT(OneNode("LSTM", 14).input(kX).input(wavy({1, 8, 4}, 1)).input(wavy({1, 8, 2}, 2)).error(),
             Catch::Contains("W [1,8,4] and R [1,8,2] where [1,8,3] and [1,8,2] are needed"));
}

TEST_CASE("the projection of all steps is one product") {
  // x W^T once, h R^T for each of the four steps but the first, whose state is zero and folds.
  int64_t products = 0;
  for (const Step& step : lstm("forward", kX, 1).lower().steps)
    products += std::holds_alternative<MatMul>(step.primitive) ? 1 : 0;
  CHECK(products == 5);
}

}  // namespace
}  // namespace onnxray
