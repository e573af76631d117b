#include <numbers>

#include "tests/onnx/passes/activation_spellings.h"

using namespace onnxray;

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
