#include "methods/quadrature.h"
#include "tests/catch.h"
#include "tests/methods/conformance.h"
#include "tests/support/error_of.h"

namespace onnxray::test {
namespace {

using Kind = Conventions::Quadrature;
const std::string kKinds[] = {"mean_endpoints", "trapezoid", "left", "right", "midpoint", "gauss_legendre"};

double integral(Kind kind, int64_t n, double power) {
  const Quadrature rule = quadrature(kind, n);
  double total = 0;
  for (size_t i = 0; i < rule.points.size(); ++i) total += rule.weights[i] * std::pow(rule.points[i], power);
  return total;
}

TEST_CASE("quadrature weights sum to one") {
  for (const int64_t n : {1, 2, 7, 50}) {
    for (int kind = 0; kind < 6; ++kind)
      CHECK(integral(static_cast<Kind>(kind), n, 0) == Approx(1).epsilon(1e-13));
  }
}

TEST_CASE("n Gauss-Legendre points integrate a polynomial of degree 2n - 1 exactly") {
  for (const int64_t n : {1, 2, 5, 20, 101}) {
    const auto degree = static_cast<double>(std::min<int64_t>(2 * n - 1, 39));
    CHECK(integral(Kind::gauss_legendre, n, degree) == Approx(1 / (degree + 1)).epsilon(1e-12));
  }
}

TEST_CASE("the trapezoid has a point more than it has steps, mean_endpoints has both ends") {
  CHECK(quadrature(Kind::trapezoid, 4).points == std::vector<double>{0, .25, .5, .75, 1});
  CHECK(quadrature(Kind::trapezoid, 4).weights == std::vector<double>{.125, .25, .25, .25, .125});
  CHECK(quadrature(Kind::mean_endpoints, 3).points == std::vector<double>{0, .5, 1});
  CHECK(quadrature(Kind::left, 2).points == std::vector<double>{0, .5});
  CHECK(quadrature(Kind::right, 2).points == std::vector<double>{.5, 1});
  CHECK(quadrature(Kind::midpoint, 2).points == std::vector<double>{.25, .75});
}

TEST_CASE("integrated gradients of a linear model are x times the weight, whatever the quadrature") {
  GraphBuilder g;
  const Graph linear =
      g.build({g.dense(g.input("x", {1, 3}), g.constant(hashed({3, 2}, 5)), g.constant(hashed({2}, 6)))});
  const Tensor x = hashed({1, 3}, 7);
  for (const std::string& kind : kKinds) {
    // Equal up to the rounding of a sum of 50 terms.
    CHECK(difference(explain(linear, "integrated_gradients:ig_quadrature=" + kind, x, 1),
                     explain(linear, "gradient_x_input", x, 1)) < 1e-13);
  }
}

TEST_CASE("integrated gradients on model C have the published sums") {
  const Net c = model_c();
  // Sums are published with six digits.
  CHECK(sum(explain(c.graph, "integrated_gradients", c.x, 1)) == Approx(.449763).margin(5e-7));
  CHECK(sum(explain(c.graph, "integrated_gradients:ig_quadrature=trapezoid,steps=64", c.x, 1)) ==
        Approx(.436445).margin(5e-7));
}

TEST_CASE("the completeness gap is the sum less the difference of the scores, and vanishes with the steps") {
  const Net c = model_c();
  const auto gap = [&](const std::string& parameters) {
    return explain_results(c.graph, "integrated_gradients:" + parameters, {c.x}, target_index({1}))
        .at("gap:0:0")
        .as_double(0);
  };
  CHECK(gap("steps=50") == Approx(.449763 - .430255).margin(1e-6));  // published with six digits
  // The integrand jumps where units switch on, so the error falls as 1 / steps.
  CHECK(std::fabs(gap("steps=4000,ig_quadrature=midpoint")) < 1e-3);
}

TEST_CASE("the path starts at the baseline") {
  const Net c = model_c();
  CHECK(difference(explain(c.graph, "integrated_gradients:baseline=0", c.x, 1),
                   explain(c.graph, "integrated_gradients", c.x, 1)) == 0);
  const Results results =
      explain_results(c.graph, "integrated_gradients:baseline=0.5,steps=2000,ig_quadrature=midpoint", {c.x},
                      target_index({1}));
  const double there =
      explain_results(c.graph, "gradient", {Tensor::filled(DType::f64, {1, 4, 4, 2}, .5)}, target_index({1}))
          .at("score:0")
          .as_double(0);
  // As above, O(1 / steps).
  CHECK(sum(results.at("attribution:0:0:0")) ==
        Approx(results.at("score:0").as_double(0) - there).margin(1e-3));
}

TEST_CASE("a baseline may be a tensor") {
  const Net c = model_c();
  ExplainSpec spec = explain_spec("integrated_gradients");
  spec.baselines = {{1, 4, 4, 2}};
  const Program program = emit_explanation(c.graph, OpRegistry::builtin(), spec);
  const Tensor target = Tensor::of<int64_t>({1}, {1});
  CHECK(difference(
            run(program, {c.x, Tensor::filled(DType::f64, {1, 4, 4, 2}, .5), target}).at("attribution:0:0:0"),
            explain(c.graph, "integrated_gradients:baseline=0.5", c.x, 1)) < 1e-13);  // rounding
  CHECK(sum(run(program, {c.x, c.x, target}).at("attribution:0:0:0")) == 0);
}

TEST_CASE("several baselines are averaged over") {
  const Net c = model_c();
  ExplainSpec spec = explain_spec("integrated_gradients_steps_11");
  spec.baselines = {{2, 1, 4, 4, 2}};
  const Program program = emit_explanation(c.graph, OpRegistry::builtin(), spec);
  std::vector<double> both(32, 0.5);
  both.insert(both.end(), 32, 0.0);
  const Tensor mean =
      run(program, {c.x, Tensor::of<double>({2, 1, 4, 4, 2}, both), Tensor::of<int64_t>({1}, {1})})
          .at("attribution:0:0:0");
  const Tensor a = explain(c.graph, "integrated_gradients_steps_11:baseline=0.5", c.x, 1),
               z = explain(c.graph, "integrated_gradients_steps_11", c.x, 1);
  CHECK(difference(mean, zip(a, z, [](double u, double v) { return (u + v) / 2; })) < 1e-13);  // rounding
}

TEST_CASE("the completeness gap of several baselines is the mean of their gaps, whatever the quadrature") {
  const Net c = model_c();
  std::vector<double> both(32, 0.5);
  both.insert(both.end(), 32, 0.0);
  for (const std::string rule :
       {"mean_endpoints", "trapezoid", "left", "right", "midpoint", "gauss_legendre"}) {
    INFO(rule);
    const std::string method = "integrated_gradients:steps=5,ig_quadrature=" + rule;
    const auto gap = [&](const std::string& baseline) {
      return explain_results(c.graph, method + baseline, {c.x}, target_index({1})).at("gap:0:0").as_double(0);
    };
    for (const std::string width : {"", ",micro_batch=4"}) {
      ExplainSpec spec = explain_spec(method + width);
      spec.baselines = {{2, 1, 4, 4, 2}};
      const Results results =
          run(emit_explanation(c.graph, OpRegistry::builtin(), spec),
              {c.x, Tensor::of<double>({2, 1, 4, 4, 2}, both), Tensor::of<int64_t>({1}, {1})});
      CHECK(results.at("gap:0:0").as_double(0) == Approx((gap("") + gap(",baseline=0.5")) / 2));
    }
  }
}

TEST_CASE("modifiers multiply integrated gradients by the clean input") {
  const Net c = model_c();
  const Tensor plain = explain(c.graph, "integrated_gradients_steps_7", c.x, 1);
  CHECK(difference(explain(c.graph, "integrated_gradients_steps_7_x_input", c.x, 1),
                   zip(plain, c.x, std::multiplies<>())) == 0);
}

TEST_CASE("a looped method explains an inner value, several targets, and each sample of a batch") {
  const Net net = conv_net({.batch = 3});
  ExplainSpec spec = explain_spec("integrated_gradients_steps_9");
  spec.targets = {TargetSpec::Kind::index, TargetSpec::Kind::index};
  const Program program = emit_explanation(net.graph, OpRegistry::builtin(), spec);
  const Results both =
      run(program, {net.x, Tensor::of<int64_t>({3}, {0, 1, 2}), Tensor::of<int64_t>({3}, {3, 3, 3})});
  const Net one = conv_net();
  for (int64_t n = 0; n < 3; ++n) {
    // One sample is computed alike in any batch.
    CHECK(difference(sample(both.at("attribution:0:0:0"), n),
                     explain(one.graph, "integrated_gradients_steps_9", sample(net.x, n), n)) == 0);
    CHECK(difference(sample(both.at("attribution:0:1:0"), n),
                     explain(one.graph, "integrated_gradients_steps_9", sample(net.x, n), 3)) == 0);
  }
  const Net d = model_d();
  ExplainSpec inner = explain_spec("integrated_gradients");
  inner.at = d.graph.nodes[1].outputs[0];
  const Results at_hidden =
      run(emit_explanation(d.graph, OpRegistry::builtin(), inner), {d.x, Tensor::of<int64_t>({1}, {1})});
  // The rest of the net is linear: h times its weights.
  CHECK(difference(at_hidden.at("attribution:0:0:0"), {-.5, 0, 3.9}) < 1e-13);
}

}  // namespace
}  // namespace onnxray::test
