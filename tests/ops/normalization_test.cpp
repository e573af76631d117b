#include <cmath>

#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;

TEST_CASE("BatchNormalization in training uses the batch's own statistics and moves the running ones",
          "[ops]") {
  // Per channel: mean 2, 20; variance 1, 100.
  const std::vector<Tensor> out = OneNode("BatchNormalizationInTraining", 1, "onnxray")
                                      .constant(Tensor::of<double>({2, 2}, {1, 10, 3, 30}))
                                      .constant(Tensor::of<double>({2}, {1, 2}))
                                      .constant(Tensor::of<double>({2}, {0, 5}))
                                      .constant(Tensor::of<double>({2}, {10, 10}))
                                      .constant(Tensor::of<double>({2}, {1, 1}))
                                      .attr("epsilon", 0.0)
                                      .attr("momentum", 0.5)
                                      .outputs(5)
                                      .run_all();
  CHECK(out[0].to_doubles() == Doubles{-1, 3, 1, 7});
  CHECK(out[1].to_doubles() == Doubles{6, 15});
  CHECK(out[2].to_doubles() == Doubles{1, 50.5});
  CHECK(out[3].to_doubles() == Doubles{2, 20});
  CHECK(out[4].to_doubles() == Doubles{1, 100});
}

TEST_CASE("LayerNormalization keeps its digits beside a large mean", "[ops]") {
  const Tensor y = OneNode("LayerNormalization", 17)
                       .input({1, 3}, {1e8 - 1, 1e8, 1e8 + 1})
                       .input({3}, {1, 1, 1})
                       .attr("epsilon", 0.0)
                       .run();
  // One pass, E[x^2] - E[x]^2, would lose all digits: 1e16 holds no 2/3. The mean of three is off by 1e-8 at
  // most.
  CHECK(y.as_double(0) == Approx(-std::sqrt(1.5)).epsilon(1e-7));
  CHECK(y.as_double(1) == Approx(0).margin(1e-7));
}

TEST_CASE("LayerNormalization gives its statistics over all axes from the given one on", "[ops]") {
  const std::vector<Tensor> out = OneNode("LayerNormalization", 17)
                                      .input({2, 2, 2}, {0, 2, 0, 2, 1, 1, 1, 1})
                                      .input({2, 2}, {1, 1, 1, 1})
                                      .attr("axis", int64_t{-2})
                                      .attr("epsilon", 0.25)
                                      .outputs(3)
                                      .run_all();
  CHECK(out[1].shape() == Shape{2, 1, 1});
  CHECK(out[1].to_doubles() == Doubles{1, 1});
  CHECK(out[2].as_double(1) == 2);  // 1 / sqrt(0 + 0.25)
}

TEST_CASE("GroupNormalization 18 scales groups, 21 scales channels", "[ops]") {
  const auto run = [](int64_t opset, const Doubles& scale) {
    const auto n = static_cast<int64_t>(scale.size());
    OneNode node("GroupNormalization", opset);
    return node.input(counting({1, 4, 3}))
        .input({n}, scale)
        .input({n}, Doubles(scale.size(), 1))
        .attr("num_groups", int64_t{2});
  };
  CHECK(run(18, {2, 3}).run().to_doubles() == run(21, {2, 2, 3, 3}).run().to_doubles());
  CHECK_THAT(run(21, {2, 3}).error(), Catch::Contains("expected one entry for each of 4 channels"));
}

TEST_CASE("LRN sums an even number of neighbours with the odd one above", "[ops]") {
  const Tensor y = OneNode("LRN", 13)
                       .input({1, 3, 1}, {1, 2, 3})
                       .attr("size", int64_t{2})
                       .attr("alpha", 2.0)
                       .attr("beta", 1.0)
                       .run();
  // x / (1 + alpha / size * (x[c]^2 + x[c+1]^2)); a power and a division: a few roundings.
  CHECK(y.as_double(0) == Approx(1.0 / 6).epsilon(1e-14));
  CHECK(y.as_double(1) == Approx(2.0 / 14).epsilon(1e-14));
  CHECK(y.as_double(2) == Approx(3.0 / 10).epsilon(1e-14));
}

TEST_CASE("normalising what is constant or zero gives zeros", "[ops]") {
  CHECK(OneNode("MeanVarianceNormalization", 13).input({1, 1, 1, 2}, {3, 3}).run().to_doubles() ==
        Doubles{0, 0});
  for (const int64_t p : {1, 2}) {
    CHECK(OneNode("LpNormalization", 1).input({1, 2}, {0, 0}).attr("p", p).run().to_doubles() ==
          Doubles{0, 0});
  }
}

TEST_CASE("roots in normalisers and Lp pools are never taken of zero", "[ops]") {
  // The slope of the root is infinite there and would make the gradient NaN.
  const auto smallest_root = [](OneNode node, const Tensor& x) {
    Program program = node.lower();
    program.outputs.clear();
    for (const Step& step : program.steps) {
      const auto* e = std::get_if<Elementwise>(&step.primitive);
      if (e && e->expression.code[0].op == Opcode::sqrt) program.outputs.push_back({"root", step.inputs[0]});
    }
    const auto backend = make_reference_backend(true);
    const Tensor argument =
        backend->compile(make_plan(program, backend->plan_options()))->run(std::span(&x, 1)).at(0);
    return argument.as_double(0);
  };
  const Tensor zeros(DType::f64, {1, 1, 1, 2});
  CHECK(smallest_root(OneNode("MeanVarianceNormalization", 13).input(zeros), zeros) > 0);
  CHECK(smallest_root(OneNode("LpNormalization", 1).input(zeros), zeros) > 0);
  CHECK(smallest_root(OneNode("LpPool", 11).input(zeros).attr("kernel_shape", Ints{1, 2}), zeros) > 0);
}

TEST_CASE("a normaliser's operands that do not fit are named", "[ops]") {
  const auto batch = [](Shape scale) {
    OneNode node("BatchNormalization", 9);
    node.input(counting({1, 2, 2})).input(counting(scale));
    for (int i = 0; i < 3; ++i) node.input(counting({2}));
    return node;
  };
  CHECK(batch({2}).error().empty());
  for (const Shape& wrong : {Shape{}, Shape{1}, Shape{3}, Shape{2, 2}}) {
    CHECK_THAT(batch(wrong).error(), Catch::Contains("input 1 has shape " + to_string(wrong)));
  }
  CHECK_THAT(OneNode("LayerNormalization", 17).input({1}, {1}).input({3}, {1, 2, 3}).error(),
             Catch::Contains("input 1 of shape [3]"));
  CHECK_THAT(
      OneNode("InstanceNormalization", 6).input({2}, {1, 2}).input({2}, {1, 1}).input({2}, {1, 1}).error(),
      Catch::Contains("[N, C, spatial...]"));
  CHECK_THAT(OneNode("LRN", 13).input({2}, {1, 2}).attr("size", int64_t{3}).error(), Catch::Contains("[2]"));
  CHECK_THAT(OneNode("LRN", 13).input({1, 2}, {1, 2}).error(), Catch::Contains("size 0"));
  CHECK_THAT(OneNode("LpNormalization", 1).input({1, 2}, {1, 2}).attr("p", int64_t{3}).error(),
             Catch::Contains("'p' is 3"));
}

}  // namespace onnxray
