#include <cmath>

#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

using Values = std::vector<double>;
constexpr double kInf = INFINITY;

Tensor row(const Values& values) {
  return Tensor::of<double>({1, static_cast<int64_t>(values.size())}, values);
}

/// The gradient of the sum of what `make` makes of rows x.
template <class Make>
Values gradient(const Tensor& x, Make make) {
  GraphBuilder g;
  const ValueId in = g.input("x", x.shape());
  const Graph graph = g.build({make(g, in)});
  const Tensor ones = Tensor::filled(DType::f64, *graph[graph.outputs[0]].shape, 1);
  return explain_results(graph, "gradient", {x}, target_mask(ones)).at("attribution:0:0:0").to_doubles();
}

Values gradient_of(const char* op, const Values& x) {
  return gradient(row(x), [&](GraphBuilder& g, ValueId v) { return g.node(op, {v}); });
}

ValueId number(GraphBuilder& g, double v) { return g.constant({}, {v}); }
ValueId reduced(GraphBuilder& g, const char* op, ValueId v) {
  return g.node(op, {v}, {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}});
}
ValueId total(GraphBuilder& g, ValueId v) { return g.node("ReduceSum", {v, g.ints({1})}); }

TEST_CASE("where a value is finite and its slope is not, the slope counts as 0") {
  CHECK(gradient_of("Sqrt", {0, 4}) == Values{0, .25});
  const Values asin = gradient_of("Asin", {1, -1, 0}), acos = gradient_of("Acos", {1, -1, 0});
  CHECK(asin == Values{0, 0, 1});
  CHECK(acos == Values{0, 0, -1});
  CHECK(gradient_of("Acosh", {1, std::sqrt(2.0)})[0] == 0);
  CHECK(gradient_of("Abs", {0, -2}) == Values{0, -1});
  // Where the value is infinite too, so is the slope.
  CHECK(gradient_of("Log", {0, 2}) == Values{kInf, .5});
  CHECK(gradient_of("Reciprocal", {0, 2}) == Values{-kInf, -.25});
  CHECK(gradient_of("Atanh", {1, 0}) == Values{kInf, 1});
}

TEST_CASE("a power's slope is finite wherever the power is") {
  const auto power = [](const Values& exponents) {
    return [exponents](GraphBuilder& g, ValueId v) {
      const Shape shape = exponents.size() == 1 ? Shape{} : Shape{1, static_cast<int64_t>(exponents.size())};
      return g.node("Pow", {v, g.constant(shape, exponents)});
    };
  };
  // d x^n / dx = n x^(n-1)
  CHECK(gradient(row({0, 0, 2, -3}), power({0})) == Values{0, 0, 0, 0});
  CHECK(gradient(row({0, 4, 9}), power({.5})) == Values{0, .25, 1. / 6});
  CHECK(gradient(row({0, 0, 0, 0, 2}), power({0, 1, 2, .5, 3})) == Values{0, 1, 0, 0, 12});
  CHECK(gradient(row({0, 2}), power({-1})) == Values{-kInf, -.25});
  CHECK(std::isnan(gradient(row({-1}), power({.5}))[0]));
}

TEST_CASE("a power's slope in its exponent is x^e ln x, and 0 for x = 0 and below") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4}), e = g.input("e", {1, 4});
  const Graph graph = g.build({total(g, g.node("Pow", {x, e}))});
  const std::vector<Tensor> at{row({0, 0, -2, 3}), row({0, 2, 2, 2})};
  const std::vector<Tensor> slopes = explain_all(graph, "gradient", at, 0);
  CHECK(slopes[0].to_doubles() == Values{0, 0, -4, 6});
  CHECK(difference(slopes[1], {0, 0, 0, 9 * std::log(3.0)}) < 1e-15);
}

TEST_CASE("norms and deviations have slope 0 at 0, however they are spelled") {
  // |x| of (3, -4) is 5: its slope is x / 5
  const Tensor rows = Tensor::of<double>({2, 2}, {0, 0, 3, -4});
  const auto squares = [](GraphBuilder& g, ValueId v) { return total(g, g.node("Mul", {v, v})); };
  const auto powers = [](GraphBuilder& g, ValueId v) { return total(g, g.node("Pow", {v, number(g, 2)})); };
  // 3 / 5 is rounded once or twice.
  const auto is_norm = [&](const auto& build) {
    const Values slope = gradient(rows, build);
    CHECK(slope[0] == 0);
    CHECK(slope[1] == 0);
    CHECK(slope[2] == Approx(.6).epsilon(1e-15));
    CHECK(slope[3] == Approx(-.8).epsilon(1e-15));
  };
  is_norm([&](GraphBuilder& g, ValueId v) { return g.node("Sqrt", {squares(g, v)}); });
  is_norm([&](GraphBuilder& g, ValueId v) { return g.node("Sqrt", {powers(g, v)}); });
  is_norm([&](GraphBuilder& g, ValueId v) { return g.node("Pow", {squares(g, v), number(g, .5)}); });
  is_norm([&](GraphBuilder& g, ValueId v) { return reduced(g, "ReduceL2", v); });
  // std of (3, -4) is 3.5: its slope is (x - mean) / (2 * 3.5) = (.5, -.5)
  CHECK(gradient(rows, [](GraphBuilder& g, ValueId v) {
          const ValueId centred = g.node("Sub", {v, reduced(g, "ReduceMean", v)});
          return g.node("Sqrt", {reduced(g, "ReduceMean", g.node("Mul", {centred, centred}))});
        }) == Values{0, 0, .5, -.5});
}

TEST_CASE("cosine similarity and division by a deviation are finite at 0") {
  const Tensor rows = Tensor::of<double>({2, 2}, {0, 0, 3, -4});
  const Values cosine = gradient(rows, [](GraphBuilder& g, ValueId v) {
    const ValueId other = g.constant({2}, {1, 0});
    const ValueId size = g.node("Sqrt", {total(g, g.node("Mul", {v, v}))});
    return g.node("Div", {total(g, g.node("Mul", {v, other})), g.node("Clip", {size, number(g, 1e-8)})});
  });
  CHECK(cosine[0] == 1e8);
  CHECK(cosine[1] == 0);
  // d (x_0 / |x|) = (1 - x_0^2 / |x|^2) / |x|, -x_0 x_1 / |x|^3
  CHECK(cosine[2] == Approx((1 - .36) / 5));
  CHECK(cosine[3] == Approx(12. / 125));
  const Values scaled = gradient(rows, [](GraphBuilder& g, ValueId v) {
    const ValueId centred = g.node("Sub", {v, reduced(g, "ReduceMean", v)});
    const ValueId deviation = g.node("Sqrt", {reduced(g, "ReduceMean", g.node("Mul", {centred, centred}))});
    return g.node("Div", {centred, g.node("Add", {deviation, number(g, 1e-5)})});
  });
  for (const double v : scaled) CHECK(std::isfinite(v));
}

TEST_CASE("the logarithm of a sum of exponentials is flat where all is -inf") {
  const Tensor rows = Tensor::of<double>({3, 2}, {-kInf, -kInf, -kInf, 1, 0, 0});
  const auto lse = [](GraphBuilder& g, ValueId v) { return reduced(g, "ReduceLogSumExp", v); };
  CHECK(gradient(rows, lse) == Values{0, 0, 0, 1, .5, .5});
}

/// Where(mask, f(x), 0) with a mask that is x > 0.
template <class Make>
Values masked_gradient(const Values& x, Make make) {
  return gradient(row(x), [&](GraphBuilder& g, ValueId v) {
    return g.node("Where", {g.node("Greater", {v, number(g, 0)}), make(g, v), number(g, 0)});
  });
}

TEST_CASE("what a mask takes out sends nothing back, whatever its slope") {
  const auto unary = [](const char* op) {
    return [op](GraphBuilder& g, ValueId v) { return g.node(op, {v}); };
  };
  CHECK(masked_gradient({0, 2}, unary("Log")) == Values{0, .5});
  CHECK(masked_gradient({-1, 4}, unary("Sqrt")) == Values{0, .25});
  CHECK(masked_gradient({0, 2}, unary("Reciprocal")) == Values{0, -.25});
  CHECK(masked_gradient({-kInf, 0.5}, unary("Sin"))[0] == 0);
  CHECK(masked_gradient({-2, 0.5}, unary("Acos"))[0] == 0);
  CHECK(masked_gradient({-kInf, 1}, unary("Exp")) == Values{0, std::exp(1.0)});
  // Division and the ways to spell it.
  CHECK(masked_gradient({0, 2}, [](GraphBuilder& g, ValueId v) {
          return g.node("Div", {number(g, 1), v});
        }) == Values{0, -.25});
  CHECK(masked_gradient({0, 2}, [](GraphBuilder& g, ValueId v) {
          return g.node("Mul", {v, g.node("Reciprocal", {v})});
        }) == Values{0, 0});
  CHECK(masked_gradient({0, 2}, [](GraphBuilder& g, ValueId v) {
          return g.node("Pow", {v, number(g, -2)});
        }) == Values{0, -.25});
  CHECK(masked_gradient({0, 2}, [](GraphBuilder& g, ValueId v) {
          const ValueId log = g.node("Log", {v});
          return g.node("Mul", {log, log});
        }) == Values{0, std::log(2.0)});
}

TEST_CASE("NaN that no mask takes out stays NaN in the gradient") {
  for (const char* op : {"Sqrt", "Log", "Exp", "Reciprocal", "Sin", "Asin", "Acosh", "Tanh"}) {
    INFO(op);
    CHECK(std::isnan(gradient_of(op, {NAN, .5})[0]));
  }
  const auto power = [](GraphBuilder& g, ValueId v) {
    return g.node("Pow", {v, g.constant({1, 2}, {2, .5})});
  };
  CHECK(std::isnan(gradient(row({NAN, 1}), power)[0]));
  CHECK(std::isnan(gradient(row({1, NAN}), power)[1]));
  const auto softmax = [](const char* op) {
    return [op](GraphBuilder& g, ValueId v) {
      return g.node("Mul", {g.node(op, {v}, {{"axis", int64_t{-1}}}), g.constant({1, 2}, {1, -1})});
    };
  };
  for (const char* op : {"Softmax", "LogSoftmax"}) {
    for (const double v : gradient(row({-kInf, -kInf}), softmax(op))) CHECK(std::isnan(v));
  }
}

/// Attention of two queries over two keys, where the mask forbids query 0 every key; what is NaN is made 0
/// before (`early`) or after the values are summed. The result has a residual path.
Graph masked_attention(bool early, bool logarithm = false) {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 3});
  const auto project = [&](int64_t seed) { return g.node("MatMul", {x, g.constant(hashed({3, 3}, seed))}); };
  const ValueId scores = g.node("MatMul", {project(1), g.node("Transpose", {project(2)})});
  const ValueId mask = g.constant({2, 2}, {-kInf, -kInf, 0, -kInf});
  const ValueId masked = g.node("Add", {scores, mask});
  ValueId weights = g.node(logarithm ? "LogSoftmax" : "Softmax", {masked}, {{"axis", int64_t{-1}}});
  if (logarithm) weights = g.node("Exp", {weights});
  const auto cleaned = [&](ValueId v) { return g.node("Where", {g.node("IsNaN", {v}), number(g, 0), v}); };
  if (early) weights = cleaned(weights);
  ValueId y = g.node("MatMul", {weights, project(3)});
  if (!early) y = cleaned(y);
  const ValueId sum = g.node("Add", {y, x});
  return g.build(
      {g.node("MatMul", {g.node("Reshape", {sum, g.ints({1, 6})}), g.constant(hashed({6, 2}, 4))})});
}

TEST_CASE("a row of attention that is masked as a whole sends nothing back") {
  const Tensor x = hashed({2, 3}, 7);
  const Values w = hashed_values(12, 4), v = hashed_values(9, 3);
  // y = (x_0, x_1 + x_0 v): query 1 sees key 0 alone, with weight 1. Weights w[i][1] of y's six entries.
  Values expected(6);
  for (size_t i = 0; i < 3; ++i) {
    expected[i] = w[2 * i + 1];
    expected[3 + i] = w[2 * (3 + i) + 1];
    for (size_t j = 0; j < 3; ++j) expected[i] += v[3 * i + j] * w[2 * (3 + j) + 1];
  }
  for (const bool early : {true, false}) {
    for (const bool logarithm : {false, true}) {
      INFO("early " << early << ", logarithm " << logarithm);
      const Graph graph = masked_attention(early, logarithm);
      CHECK(difference(explain(graph, "gradient", x, 1), expected) < 1e-14);
      // The weights of attention are constant here, so relevance through values is x times gradient, and what
      // products give to the scores is 0 where one weight alone is left.
      for (const double r : explain(graph, "lrp_z", x, 1).to_doubles()) CHECK(std::isfinite(r));
      for (const double r : explain(graph, "lrp:composite=attnlrp", x, 1).to_doubles())
        CHECK(std::isfinite(r));
    }
  }
}

TEST_CASE("integrated gradients from the zero baseline of a norm is finite and complete") {
  GraphBuilder g;
  const ValueId x = g.input("x", {1, 4});
  const Graph graph = g.build({g.node("Sqrt", {total(g, g.node("Mul", {x, x}))})});
  const Tensor at = row({3, 0, -4, 12});
  // The slope x / |x| is the same along the whole path but at its end 0: midpoints do not see it.
  const Tensor map = explain(graph, "integrated_gradients:steps=8,ig_quadrature=midpoint", at, 0);
  CHECK(difference(map, {9. / 13, 0, 16. / 13, 144. / 13}) < 1e-14);
  for (const double v : explain(graph, "integrated_gradients", at, 0).to_doubles()) CHECK(std::isfinite(v));
}

TEST_CASE("the extreme of a scatter hands its gradient to what equals it, in equal parts") {
  const Tensor x = Tensor::of<double>({1, 4}, {1, 5, 5, -2});
  const auto scattered = [](const char* reduction, double base, const std::vector<int64_t>& index) {
    return [=](GraphBuilder& g, ValueId v) {
      g.set_opset(18);
      const ValueId y =
          g.node("ScatterElements",
                 {g.constant({1, 3}, {base, base, base}), g.constant(Tensor::of<int64_t>({1, 4}, index)), v},
                 {{"axis", int64_t{1}}, {"reduction", std::string(reduction)}});
      return g.node("Mul", {y, g.constant({1, 3}, {2, 10, 100})});
    };
  };
  CHECK(gradient(x, scattered("max", -9, {0, 1, 1, 2})) == Values{2, 5, 5, 100});
  CHECK(gradient(x, scattered("max", 5, {0, 1, 0, 2})) == Values{0, 5, 1, 0});
  CHECK(gradient(x, scattered("min", 9, {0, 0, 1, 1})) == Values{2, 0, 0, 10});
}

TEST_CASE("the product of a scatter has the product of the others as slope, zeros included") {
  const auto product = [](GraphBuilder& g, ValueId v) {
    g.set_opset(18);
    const ValueId y =
        g.node("ScatterND",
               {g.constant({2}, {3, 7}), g.constant(Tensor::of<int64_t>({5, 1}, {0, 0, 1, 1, 1})),
                g.node("Reshape", {v, g.ints({5})})},
               {{"reduction", std::string("mul")}});
    return g.node("Mul", {y, g.constant({2}, {1, 10})});
  };
  CHECK(gradient(row({2, 5, 1, 4, 0.5}), product) == Values{15, 6, 140, 35, 280});
  CHECK(gradient(row({0, 5, 0, 4, 0.5}), product) == Values{15, 0, 140, 0, 0});
  CHECK(gradient(row({0, 0, 0, 0, 2}), product) == Values{0, 0, 0, 0, 0});
}

TEST_CASE("the product of a reduction has the product of the others as slope: none where two are zero") {
  const auto product = [](GraphBuilder& g, ValueId v) {
    const ValueId rows = g.node("Reshape", {v, g.ints({2, 3})});
    const ValueId y = g.node("ReduceProd", {rows}, {{"axes", std::vector<int64_t>{1}}});
    return g.node("Mul", {y, g.constant({2, 1}, {1, 10})});
  };
  CHECK(gradient(row({2, 5, 3, 4, 0.5, 2}), product) == Values{15, 6, 10, 10, 80, 20});
  CHECK(gradient(row({2, 0, 3, 0, 0, 5}), product) == Values{0, 6, 0, 0, 0, 0});
  CHECK(gradient(row({0, 0, 0, 7, 0, 0}), product) == Values{0, 0, 0, 0, 0, 0});
}

TEST_CASE("of equal operands the first alone has the slope of a maximum and of a minimum") {
  const auto second_of = [](const char* op) {
    return [op](GraphBuilder& g, ValueId v) { return g.node(op, {g.constant({1, 3}, {1, 2, 3}), v}); };
  };
  const auto first_of = [](const char* op) {
    return [op](GraphBuilder& g, ValueId v) { return g.node(op, {v, g.constant({1, 3}, {1, 2, 3})}); };
  };
  const Tensor x = row({1, 3, 2});
  CHECK(gradient(x, second_of("Max")) == Values{0, 1, 0});
  CHECK(gradient(x, first_of("Max")) == Values{1, 1, 0});
  CHECK(gradient(x, second_of("Min")) == Values{0, 0, 1});
  CHECK(gradient(x, first_of("Min")) == Values{1, 0, 1});
}

TEST_CASE("the slope of a remainder in its divisor is the whole quotient's, cut towards zero") {
  const auto remainder = [](GraphBuilder& g, ValueId v) {
    return g.node("Mod", {g.constant({1, 4}, {-7, 7, 7, -7}), v}, {{"fmod", int64_t{1}}});
  };
  CHECK(gradient(row({2, 2, -2, -2}), remainder) == Values{3, -3, 3, -3});
}

}  // namespace
}  // namespace onnxray::test
