#include <cmath>
#include <functional>
#include <numbers>

#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

/// Writes functions of one value.
struct Writer {
  GraphMaker g;
  ValueId x = g.input("x", {2, 3});

  ValueId operator()(const std::string& op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return g.node(op, 20, std::move(inputs), std::move(attributes));
  }
  ValueId n(double number) { return g.constant({}, {number}); }
  ValueId add(ValueId a, ValueId b) { return (*this)("Add", {a, b}); }
  ValueId sub(ValueId a, ValueId b) { return (*this)("Sub", {a, b}); }
  ValueId mul(ValueId a, ValueId b) { return (*this)("Mul", {a, b}); }
  ValueId div(ValueId a, ValueId b) { return (*this)("Div", {a, b}); }
  ValueId unary(const std::string& op, ValueId a) { return (*this)(op, {a}); }
  ValueId where(ValueId c, ValueId a, ValueId b) { return (*this)("Where", {c, a, b}); }
  ValueId real(ValueId c) { return (*this)("Cast", {c}, {{"to", int64_t{1}}}); }
  ValueId neg(ValueId a) { return unary("Neg", a); }
  ValueId relu(ValueId a) { return unary("Relu", a); }
  ValueId exp(ValueId a) { return unary("Exp", a); }
};

struct Spelling {
  const char* name;
  std::function<ValueId(Writer&)> write;
};

Graph fused(const Graph& graph, const Graph* imported = nullptr) {
  const auto folder = make_reference_backend(true);
  return after(fuse_activations, graph, {.folder = folder.get(), .imported = imported});
}

/// Each spelling becomes one node `op`, which the check looks at.
void check_all(
    const std::string& op, const std::vector<Spelling>& spellings,
    const std::function<void(const Node&)>& check = [](const Node&) {}) {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.name);
    Writer w;
    const ValueId y = spelling.write(w);
    const Graph before = w.g.finish({y}), changed = fused(before);
    REQUIRE(ops_of(changed) == op);
    check(changed.nodes[0]);
    for (const Node& node : before.nodes) CHECK(resolves(changed, node.origin.names[0]));
    check_equal_results(before, changed);
  }
}

void check_none(const std::vector<Spelling>& spellings) {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.name);
    Writer w;
    const Graph before = w.g.finish({spelling.write(w)});
    CHECK(ops_of(fused(before)) == ops_of(before));
  }
}

std::function<void(const Node&)> has(const std::string& name, double value) {
  return [=](const Node& node) { CHECK(float_attribute(node, name, 99) == Approx(value).epsilon(1e-7)); };
}

}  // namespace

TEST_CASE("a rectifier is Relu however it is written", "[onnx][pass]") {
  check_all("Relu",
            {
                {"max(x, 0)",
                 [](Writer& w) {
                   return w("Max", {w.x, w.n(0)});
                 }},
                {"max(0, x), a row of zeros",
                 [](Writer& w) {
                   return w("Max", {w.g.constant({3}, {0, 0, 0}), w.x});
                 }},
                {"max of several",
                 [](Writer& w) {
                   return w("Max", {w.n(-1), w.x, w.n(0)});
                 }},
                {"clip from 0",
                 [](Writer& w) {
                   return w("Clip", {w.x, w.n(0)});
                 }},
                {"clip to the largest float",
                 [](Writer& w) {
                   return w("Clip", {w.x, w.n(0), w.n(3.4028234663852886e38)});
                 }},
                {"x > 0 ? x : 0",
                 [](Writer& w) {
                   return w.where(w("Greater", {w.x, w.n(0)}), w.x, w.n(0));
                 }},
                {"x < 0 ? 0 : x",
                 [](Writer& w) {
                   return w.where(w("Less", {w.x, w.n(0)}), w.n(0), w.x);
                 }},
                {"0 <= x ? x : 0",
                 [](Writer& w) {
                   return w.where(w("LessOrEqual", {w.n(0), w.x}), w.x, w.n(0));
                 }},
                {"not x <= 0",
                 [](Writer& w) {
                   return w.where(w("Not", {w("LessOrEqual", {w.x, w.n(0)})}), w.x, w.n(0));
                 }},
                {"not x >= 0",
                 [](Writer& w) {
                   return w.where(w("Not", {w("GreaterOrEqual", {w.x, w.n(0)})}), w.n(0), w.x);
                 }},
                {"x [x > 0]",
                 [](Writer& w) {
                   return w.mul(w.x, w.real(w("Greater", {w.x, w.n(0)})));
                 }},
                {"(x + |x|) / 2", [](Writer& w) { return w.div(w.add(w.x, w.unary("Abs", w.x)), w.n(2)); }},
                {"0.5 x + 0.5 |x|",
                 [](Writer& w) { return w.add(w.mul(w.n(0.5), w.x), w.mul(w.unary("Abs", w.x), w.n(0.5))); }},
                {"x (sign x + 1) / 2",
                 [](Writer& w) { return w.mul(w.x, w.div(w.add(w.unary("Sign", w.x), w.n(1)), w.n(2))); }},
                {"-min(-x, 0)",
                 [](Writer& w) {
                   return w.neg(w("Min", {w.neg(w.x), w.n(0)}));
                 }},
                {"x - min(x, 0)",
                 [](Writer& w) {
                   return w.sub(w.x, w("Min", {w.x, w.n(0)}));
                 }},
                {"LeakyRelu with slope 0",
                 [](Writer& w) {
                   return w("LeakyRelu", {w.x}, {{"alpha", 0.0}});
                 }},
                {"relu of relu", [](Writer& w) { return w.relu(w.relu(w.x)); }},
            });
}

TEST_CASE("bounds are Clip however they are written", "[onnx][pass]") {
  const auto from_0_to_6 = [](const Node& node) {
    CHECK(float_attribute(node, "min", 99) == 0);
    CHECK(float_attribute(node, "max", 99) == 6);
  };
  check_all(
      "Clip",
      {
          {"min(relu x, 6)",
           [](Writer& w) {
             return w("Min", {w.relu(w.x), w.n(6)});
           }},
          {"min(max(x, 0), 6)",
           [](Writer& w) {
             return w("Min", {w.n(6), w("Max", {w.n(0), w.x})});
           }},
          {"max(min(x, 6), 0)",
           [](Writer& w) {
             return w("Max", {w("Min", {w.x, w.n(6)}), w.n(0)});
           }},
          {"relu of min",
           [](Writer& w) {
             return w.relu(w("Min", {w.x, w.n(6)}));
           }},
          {"two clips",
           [](Writer& w) {
             return w("Clip", {w("Clip", {w.x, w.n(0)}), w.n(-5), w.n(6)});
           }},
          {"Where on both sides",
           [](Writer& w) {
             const ValueId low = w.where(w("Greater", {w.x, w.n(0)}), w.x, w.n(0));
             return w.where(w("Less", {low, w.n(6)}), low, w.n(6));
           }},
          {"relu x - relu(x - 6)", [](Writer& w) { return w.sub(w.relu(w.x), w.relu(w.sub(w.x, w.n(6)))); }},
      },
      from_0_to_6);
  check_all("Clip",
            {{"max(x, 0.3)",
              [](Writer& w) {
                return w("Max", {w.x, w.n(0.3)});
              }}},
            [](const Node& node) {
              CHECK(float_attribute(node, "min", 99) == Approx(0.3).epsilon(1e-7));
              CHECK_FALSE(has_attribute(node, "max"));
            });
}

TEST_CASE("a slope below 0 is LeakyRelu, one per channel PRelu", "[onnx][pass]") {
  check_all(
      "LeakyRelu",
      {
          {"x > 0 ? x : 0.1 x",
           [](Writer& w) {
             return w.where(w("Greater", {w.x, w.n(0)}), w.x, w.mul(w.x, w.n(0.1)));
           }},
          {"x < 0 ? 0.1 x : x",
           [](Writer& w) {
             return w.where(w("Less", {w.x, w.n(0)}), w.mul(w.n(0.1), w.x), w.x);
           }},
          {"max(x, 0.1 x)",
           [](Writer& w) {
             return w("Max", {w.x, w.mul(w.x, w.n(0.1))});
           }},
          {"relu x - 0.1 relu(-x)",
           [](Writer& w) { return w.sub(w.relu(w.x), w.mul(w.n(0.1), w.relu(w.neg(w.x)))); }},
          {"max(x, 0) + 0.1 min(x, 0)",
           [](Writer& w) {
             return w.add(w("Max", {w.x, w.n(0)}), w.mul(w.n(0.1), w("Min", {w.x, w.n(0)})));
           }},
          {"0.55 x + 0.45 |x|",
           [](Writer& w) { return w.add(w.mul(w.n(0.55), w.x), w.mul(w.unary("Abs", w.x), w.n(0.45))); }},
      },
      [](const Node& node) { CHECK(float_attribute(node, "alpha", 9) == Approx(0.1).epsilon(1e-6)); });
  const auto slopes = [](Writer& w) { return w.g.constant({3}, {0.25, -0.5, 0.125}); };
  for (const Spelling& spelling : std::vector<Spelling>{
           {"relu x - slope relu(-x)",
            [&](Writer& w) { return w.sub(w.relu(w.x), w.mul(slopes(w), w.relu(w.neg(w.x)))); }},
           {"x > 0 ? x : slope x", [&](Writer& w) {
              return w.where(w("Greater", {w.x, w.n(0)}), w.x, w.mul(w.x, slopes(w)));
            }}}) {
    INFO(spelling.name);
    Writer w;
    const Graph before = w.g.finish({spelling.write(w)}), changed = fused(before);
    REQUIRE(ops_of(changed) == "PRelu");
    CHECK(changed.constant(changed.nodes[0].inputs[1])->to_doubles() ==
          std::vector<double>{0.25, -0.5, 0.125});
    check_equal_results(before, changed);
  }
}

TEST_CASE("a threshold is ThresholdedRelu", "[onnx][pass]") {
  check_all("ThresholdedRelu",
            {
                {"x > 0.5 ? x : 0",
                 [](Writer& w) {
                   return w.where(w("Greater", {w.x, w.n(0.5)}), w.x, w.n(0));
                 }},
                {"x [x > 0.5]",
                 [](Writer& w) {
                   return w.mul(w.real(w("Greater", {w.x, w.n(0.5)})), w.x);
                 }},
            },
            has("alpha", 0.5));
  check_none({{"which lets its threshold through", [](Writer& w) {
                 return w.where(w("GreaterOrEqual", {w.x, w.n(0.5)}), w.x, w.n(0));
               }}});
}

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

TEST_CASE("constants that are not those of an activation to float precision leave it alone", "[onnx][pass]") {
  const auto gelu = [](double root, double one, double half) {
    return [=](Writer& w) {
      return w.mul(w.mul(w.x, w.add(w.unary("Erf", w.div(w.x, w.n(root))), w.n(one))), w.n(half));
    };
  };
  const auto hard_swish = [](double three, double six) {
    return [=](Writer& w) {
      return w.div(w.mul(w.x, w("Clip", {w.add(w.x, w.n(three)), w.n(0), w.n(6)})), w.n(six));
    };
  };
  check_none(
      {{"0.5004", gelu(std::numbers::sqrt2, 1, 0.5004)},
       {"1.4142", gelu(1.4142, 1, 0.5)},
       {"1.0005", gelu(std::numbers::sqrt2, 1.0005, 0.5)},
       {"3.0025", hard_swish(3.0025, 6)},
       {"6.001", hard_swish(3, 6.001)},
       {"a rectifier with a step", [](Writer& w) { return w.add(w.relu(w.x), w.n(1e-7)); }},
       {"a guarded sigmoid", [](Writer& w) { return w.add(w.unary("Sigmoid", w.x), w.n(1e-12)); }},
       {"the slope of Keras in x HardSigmoid",
        [](Writer& w) {
          return w.mul(w.x, w("HardSigmoid", {w.x}, {{"alpha", 0.2}, {"beta", 0.5}}));
        }},
       {"a bounded affine map",
        [](Writer& w) {
          return w("Clip", {w.add(w.mul(w.x, w.n(0.2)), w.n(0.3)), w.n(0), w.n(1)});
        }},
       {"x^2", [](Writer& w) { return w.mul(w.x, w.x); }},
       {"a NaN made 0", [](Writer& w) { return w.relu(w.where(w.unary("IsNaN", w.x), w.n(0), w.x)); }}});
}

TEST_CASE("constants stored in half precision stand for those that they are rounded from", "[onnx][pass]") {
  for (const DType stored : {DType::f16, DType::bf16}) {
    Writer w;
    const auto half = [&](double number) {
      return w.g.graph.add_constant("h" + std::to_string(w.g.graph.values.size()),
                                    Tensor::scalar(number).to(stored));
    };
    const ValueId erf = w.unary("Erf", w.div(w.x, half(std::numbers::sqrt2)));
    const ValueId y = w.mul(w.mul(w.x, w.add(erf, half(1))), half(0.5));
    const Graph imported = w.g.graph;
    for (Value& value : w.g.graph.values) {
      if (value.constant) value.constant = value.constant->to(DType::f32);
    }
    const Graph before = w.g.finish({y});
    CHECK(ops_of(fused(before, &imported)) == "Gelu");
    // The same numbers in a model of floats are numbers of their own.
    CHECK(ops_of(fused(before)) == ops_of(before));
  }
}

TEST_CASE("an activation whose inside is read elsewhere stays as it is", "[onnx][pass]") {
  Writer w;
  const ValueId gate = w.unary("Sigmoid", w.x);
  const Graph before = w.g.finish({w.mul(w.x, gate), gate});
  CHECK(ops_of(fused(before)) == "Sigmoid Mul");
}

TEST_CASE("a gate on another value stays a product", "[onnx][pass]") {
  Writer w;
  const ValueId other = w.g.node("Exp", 13, {w.x});
  const Graph before = w.g.finish({w.mul(w.unary("Sigmoid", other), w.x)});
  CHECK(ops_of(fused(before)) == "Exp Sigmoid Mul");
}

TEST_CASE("integers, and constants that enlarge their operand, are left alone", "[onnx][pass]") {
  Writer w;
  const ValueId i = w.g.input("i", {3}, DType::i64);
  const ValueId a = w("Max", {i, w.g.constant({}, {0}, DType::i64)});
  const ValueId b = w("Max", {w.x, w.g.constant({2, 2, 3}, std::vector<double>(12, 0))});
  const Graph before = w.g.finish({a, b});
  CHECK(ops_of(fused(before)) == "Max Max");
}
