#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Doubles = std::vector<double>;

TEST_CASE("no step of an exponential unit overflows where the input is large", "[ops]") {
  // An infinite intermediate, even an unselected one, would make the gradient NaN.
  const Tensor x = Tensor::of<double>({2}, {1e4, -1e4});
  for (const char* op : {"Elu", "Selu", "Celu"}) {
    Program program = OneNode(op, 12).input(x).lower();
    program.outputs.clear();
    for (const Step& step : program.steps) program.outputs.push_back({"step", step.outputs[0]});
    const auto backend = make_reference_backend(true);
    for (const Tensor& t :
         backend->compile(make_plan(program, backend->plan_options()))->run(std::span(&x, 1))) {
      CHECK(std::isfinite(t.as_double(0)));
      CHECK(std::isfinite(t.as_double(1)));
    }
  }
}

TEST_CASE("exponential units follow their formulas on both sides", "[ops]") {
  const auto run = [](OneNode node) { return node.input({2}, {2, -1}).run().to_doubles(); };
  const double e = std::exp(-1.0) - 1, half = std::exp(-0.5) - 1;
  CHECK(run(OneNode("Elu", 6).attr("alpha", 3.0)) == Doubles{2, e * 3});
  CHECK(run(OneNode("Celu", 12).attr("alpha", 2.0)) == Doubles{2, half * 2});
  CHECK(run(OneNode("Selu", 6).attr("alpha", 2.0).attr("gamma", 3.0)) == Doubles{6, e * 6});
}

TEST_CASE("Gelu has an exact form and a tanh form", "[ops]") {
  const auto gelu = [](const std::string& form) {
    return OneNode("Gelu", 20).input({1}, {1}).attr("approximate", form);
  };
  // Phi(1), and Hendrycks and Gimpel's approximation; a handful of roundings.
  CHECK(gelu("none").run().as_double(0) == Approx(0.5 * (1 + std::erf(std::sqrt(0.5)))).epsilon(1e-14));
  CHECK(gelu("tanh").run().as_double(0) ==
        Approx(0.5 * (1 + std::tanh(std::sqrt(2 / M_PI) * 1.044715))).epsilon(1e-14));
  CHECK_THAT(gelu("fast").error(), Catch::Contains("'fast'"));
}

TEST_CASE("Clip takes attributes before opset 11, and optional operands of any type since", "[ops]") {
  const Doubles x{-2, 0, 2};
  CHECK(OneNode("Clip", 6).input({3}, x).attr("min", -1.0).run().to_doubles() == Doubles{-1, 0, 2});
  CHECK(OneNode("Clip", 6).input({3}, x).run().to_doubles() == x);
  CHECK(OneNode("Clip", 13).input({3}, x).omit().input({}, {1}).run().to_doubles() == Doubles{-2, 0, 1});
  CHECK(OneNode("Clip", 13).input({3}, x).input({1}, {1}).run().to_doubles() == Doubles{1, 1, 2});
  CHECK(OneNode("Clip", 13)
            .input(Tensor::of<int8_t>({2}, {-100, 100}))
            .constant(Tensor::scalar<int8_t>(-7))
            .run()
            .to_doubles() == Doubles{-7, 100});
  // Bounds in the wrong order: the maximum wins.
  CHECK(OneNode("Clip", 13).input({1}, {0}).input({}, {3}).input({}, {1}).run().to_doubles() == Doubles{1});
}

TEST_CASE("a slope vector of PRelu is per channel before opset 7, along the last axis since", "[ops]") {
  const Doubles x(8, -1);
  CHECK(OneNode("PRelu", 6).input({1, 2, 2, 2}, x).input({2}, {1, 2}).run().to_doubles() ==
        Doubles{-1, -1, -1, -1, -2, -2, -2, -2});
  CHECK(OneNode("PRelu", 9).input({1, 2, 2, 2}, x).input({2}, {1, 2}).run().to_doubles() ==
        Doubles{-1, -2, -1, -2, -1, -2, -1, -2});
  CHECK_THAT(OneNode("PRelu", 16).input({1}, {-1}).input({3}, {1, 2, 3}).error(),
             Catch::Contains("does not broadcast to [1]"));
}

}  // namespace onnxray
