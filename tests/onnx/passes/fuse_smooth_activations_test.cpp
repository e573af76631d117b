#include <numbers>

#include "tests/onnx/passes/activation_spellings.h"

using namespace onnxray;

TEST_CASE("GELU is found in every form of its normal distribution", "[onnx][pass]") {
  constexpr double kRoot2 = std::numbers::sqrt2;
  const auto erf = [](Writer& w) { return w.unary("Erf", w.mul(w.x, w.n(1 / kRoot2))); };
  check_all(
      "Gelu",
      {
          {"(x (1 + erf)) 0.5",
           [=](Writer& w) { return w.mul(w.mul(w.x, w.add(erf(w), w.n(1))), w.n(0.5)); }},
          {"x (0.5 (1 + erf))",
           [=](Writer& w) { return w.mul(w.x, w.mul(w.n(0.5), w.add(w.n(1), erf(w)))); }},
          {"(0.5 x) (1 + erf)",
           [=](Writer& w) { return w.mul(w.mul(w.n(0.5), w.x), w.add(erf(w), w.n(1))); }},
          {"x (1 + erf) / 2", [=](Writer& w) { return w.div(w.mul(w.add(erf(w), w.n(1)), w.x), w.n(2)); }},
          {"x (0.5 erf + 0.5)",
           [=](Writer& w) { return w.mul(w.x, w.add(w.mul(erf(w), w.n(0.5)), w.n(0.5))); }},
          {"with Sum",
           [=](Writer& w) {
             return w.mul(w.mul(w.x, w.n(0.5)), w("Sum", {w.n(1), erf(w)}));
           }},
          {"x / sqrt 2",
           [](Writer& w) {
             const ValueId divided = w.unary("Erf", w.div(w.x, w.n(1.4142135)));
             return w.mul(w.mul(w.x, w.add(divided, w.n(1))), w.n(0.5));
           }},
          {"0.5 x erfc(-x / sqrt 2)",
           [](Writer& w) {
             const ValueId erfc = w.sub(w.n(1), w.unary("Erf", w.div(w.neg(w.x), w.n(kRoot2))));
             return w.mul(w.mul(w.x, w.n(0.5)), erfc);
           }},
          {"0.5 x + 0.5 x erf",
           [=](Writer& w) {
             const ValueId half = w.mul(w.x, w.n(0.5));
             return w.add(half, w.mul(half, erf(w)));
           }},
      },
      [](const Node& node) { CHECK(string_attribute(node, "approximate", "") == "none"); });
}

TEST_CASE("the tanh form of GELU is found", "[onnx][pass]") {
  constexpr double kRoot = 0.7978845608028654, kCubic = 0.044715;
  const auto half_with = [](Writer& w, ValueId argument) {
    return w.mul(w.mul(w.x, w.n(0.5)), w.add(w.unary("Tanh", argument), w.n(1)));
  };
  const auto cube = [](Writer& w) { return w.mul(w.mul(w.x, w.x), w.x); };
  check_all(
      "Gelu",
      {
          {"with Pow",
           [=](Writer& w) {
             return half_with(w, w.mul(w.add(w.x, w.mul(w.n(kCubic), w("Pow", {w.x, w.n(3)}))), w.n(kRoot)));
           }},
          {"with products",
           [=](Writer& w) {
             return half_with(w, w.mul(w.n(kRoot), w.add(w.x, w.mul(cube(w), w.n(kCubic)))));
           }},
          {"with x taken out of the bracket",
           [=](Writer& w) {
             const ValueId bracket = w.add(w.mul(w.mul(w.n(kCubic), w.x), w.x), w.n(1));
             return half_with(w, w.mul(w.mul(w.x, w.n(kRoot)), bracket));
           }},
          {"by a sigmoid of twice the argument",
           [=](Writer& w) {
             const ValueId argument = w.mul(w.n(2 * kRoot), w.add(w.x, w.mul(cube(w), w.n(kCubic))));
             return w.mul(w.x, w.unary("Sigmoid", argument));
           }},
      },
      [](const Node& node) { CHECK(string_attribute(node, "approximate", "") == "tanh"); });
}

TEST_CASE("activations with a sigmoid, bounded or not, are found", "[onnx][pass]") {
  check_all(
      "Sigmoid",
      {
          {"1 / (1 + e^-x)", [](Writer& w) { return w.div(w.n(1), w.add(w.n(1), w.exp(w.neg(w.x)))); }},
          {"by Reciprocal",
           [](Writer& w) { return w.unary("Reciprocal", w.add(w.exp(w.neg(w.x)), w.n(1))); }},
          {"by Tanh",
           [](Writer& w) { return w.add(w.mul(w.n(0.5), w.unary("Tanh", w.mul(w.x, w.n(0.5)))), w.n(0.5)); }},
      });
  check_all("Swish",
            {
                {"x sigmoid(1.702 x)",
                 [](Writer& w) { return w.mul(w.x, w.unary("Sigmoid", w.mul(w.n(1.702), w.x))); }},
                {"sigmoid(1.702 x) x",
                 [](Writer& w) { return w.mul(w.unary("Sigmoid", w.mul(w.x, w.n(1.702))), w.x); }},
                {"x / (1 + e^(-1.702 x))",
                 [](Writer& w) { return w.div(w.x, w.add(w.n(1), w.exp(w.mul(w.x, w.n(-1.702))))); }},
            },
            has("alpha", 1.702));
  check_all("Swish", {{"x sigmoid x", [](Writer& w) { return w.mul(w.unary("Sigmoid", w.x), w.x); }}},
            has("alpha", 1));
  const auto relu6 = [](Writer& w) { return w("Clip", {w.add(w.x, w.n(3)), w.n(0), w.n(6)}); };
  check_all("HardSwish",
            {
                {"x clip / 6", [=](Writer& w) { return w.div(w.mul(w.x, relu6(w)), w.n(6)); }},
                {"x (clip / 6)", [=](Writer& w) { return w.mul(w.x, w.div(relu6(w), w.n(6))); }},
                {"(clip 1/6) x", [=](Writer& w) { return w.mul(w.mul(relu6(w), w.n(1.0 / 6)), w.x); }},
                {"x min(relu(x + 3), 6) / 6",
                 [](Writer& w) {
                   return w.div(w.mul(w.x, w("Min", {w.relu(w.add(w.x, w.n(3))), w.n(6)})), w.n(6));
                 }},
                {"x HardSigmoid",
                 [](Writer& w) {
                   return w.mul(w.x, w("HardSigmoid", {w.x}, {{"alpha", 0.16666667163372}, {"beta", 0.5}}));
                 }},
            });
  check_all("HardSigmoid", {{"clip / 6", [=](Writer& w) { return w.div(relu6(w), w.n(6)); }}},
            has("alpha", 1.0 / 6));
  check_all("HardSigmoid",
            {{"clip of 0.2 x + 0.5",
              [](Writer& w) {
                return w("Clip", {w.add(w.mul(w.x, w.n(0.2)), w.n(0.5)), w.n(0), w.n(1)});
              }}},
            has("alpha", 0.2));
  check_all("Softsign",
            {{"x / (1 + |x|)", [](Writer& w) { return w.div(w.x, w.add(w.unary("Abs", w.x), w.n(1))); }}});
  check_all("Tanh", {{"2 sigmoid(2 x) - 1", [](Writer& w) {
                        return w.sub(w.mul(w.n(2), w.unary("Sigmoid", w.mul(w.x, w.n(2)))), w.n(1));
                      }}});
}

TEST_CASE("activations with an exponential are found", "[onnx][pass]") {
  const auto grown = [](Writer& w) { return w.add(w.exp(w.x), w.n(1)); };
  check_all("Softplus", {
                            {"log(1 + e^x)", [=](Writer& w) { return w.unary("Log", grown(w)); }},
                            {"x > 20 ? x : log(1 + e^x)",
                             [=](Writer& w) {
                               return w.where(w("Greater", {w.x, w.n(20)}), w.x, w.unary("Log", grown(w)));
                             }},
                            {"max(x, 0) + log(1 + e^-|x|)",
                             [](Writer& w) {
                               const ValueId small = w.exp(w.neg(w.unary("Abs", w.x)));
                               return w.add(w("Max", {w.x, w.n(0)}), w.unary("Log", w.add(w.n(1), small)));
                             }},
                            {"-log sigmoid(-x)",
                             [](Writer& w) { return w.neg(w.unary("Log", w.unary("Sigmoid", w.neg(w.x)))); }},
                        });
  check_all("Mish", {
                        {"x tanh softplus x",
                         [](Writer& w) { return w.mul(w.x, w.unary("Tanh", w.unary("Softplus", w.x))); }},
                        {"x tanh log(1 + e^x)",
                         [=](Writer& w) { return w.mul(w.unary("Tanh", w.unary("Log", grown(w))), w.x); }},
                    });
  const auto shrunk = [](Writer& w, ValueId x) { return w.sub(w.exp(x), w.n(1)); };
  check_all("Elu",
            {
                {"x > 0 ? x : 0.7 (e^x - 1)",
                 [=](Writer& w) {
                   return w.where(w("Greater", {w.x, w.n(0)}), w.x, w.mul(w.n(0.7), shrunk(w, w.x)));
                 }},
                {"relu x + 0.7 (e^min(x, 0) - 1)",
                 [=](Writer& w) {
                   return w.add(w.relu(w.x), w.mul(shrunk(w, w("Min", {w.x, w.n(0)})), w.n(0.7)));
                 }},
            },
            has("alpha", 0.7));
  check_all("Celu",
            {{"max(x, 0) + min(0, 2 (e^(x / 2) - 1))",
              [=](Writer& w) {
                const ValueId below = w.mul(w.n(2), shrunk(w, w.div(w.x, w.n(2))));
                return w.add(w("Max", {w.x, w.n(0)}), w("Min", {w.n(0), below}));
              }}},
            has("alpha", 2));
  check_all("Selu",
            {{"1.05 (x > 0 ? x : 1.67 (e^x - 1))",
              [=](Writer& w) {
                const ValueId below = w.mul(shrunk(w, w.x), w.n(1.6732632423543772));
                return w.mul(w.n(1.0507009873554805), w.where(w("Greater", {w.x, w.n(0)}), w.x, below));
              }}},
            has("gamma", 1.0507009873554805));
}
