#include "onnx/integral_doubles.h"

#include <functional>

#include "onnx/specialise.h"
#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

constexpr int64_t kInt64 = 7, kDouble = 11;

/// What a backend in float computes of integers x: `way` leads from doubles to the output.
struct Run {
  Graph graph;
  Tensor y;
};

Run run(const std::vector<int64_t>& x, const std::function<ValueId(GraphMaker&, ValueId)>& way) {
  GraphMaker g;
  const Shape shape{static_cast<int64_t>(x.size())};
  const ValueId doubles = g.node("Cast", 13, {g.input("x", shape, DType::i64)}, {{"to", kDouble}});
  g.graph.outputs = {way(g, doubles)};
  const auto folder = make_reference_backend(true);
  Specialisation special{{shape}, {}};
  special.single = true;
  const Graph graph = specialise(g.graph, special, {}, OpRegistry::builtin(), *folder);
  return {graph, run_graph(graph, {Tensor::of<int64_t>(shape, x)}, false)[0]};
}

bool assumes_precision(const Graph& graph) {
  return std::ranges::find(graph.assumptions, "precision", &Assumption::what) != graph.assumptions.end();
}

ValueId to_integer(GraphMaker& g, ValueId x) { return g.node("Cast", 13, {x}, {{"to", kInt64}}); }

constexpr int64_t kOdd = (int64_t{1} << 40) + 1;  // no float

}  // namespace

TEST_CASE("integers that pass through double stay exact where reals are floats", "[onnx]") {
  const Run affine = run({kOdd, 16777217, -kOdd}, [](GraphMaker& g, ValueId x) {
    const ValueId scaled = g.node("Mul", 14, {x, g.constant({1}, {3}, DType::f64)});
    return to_integer(g, g.node("Sub", 14, {scaled, g.constant({}, {1}, DType::f64)}));
  });
  CHECK(affine.y.to_int64s() == std::vector<int64_t>{3 * kOdd - 1, 3 * 16777217 - 1, -3 * kOdd - 1});
  CHECK_FALSE(assumes_precision(affine.graph));

  const Run compared = run({kOdd, kOdd - 1}, [](GraphMaker& g, ValueId x) {
    return g.node("Equal", 13, {x, g.constant({}, {static_cast<double>(kOdd)}, DType::f64)});
  });
  CHECK(compared.y.to_int64s() == std::vector<int64_t>{1, 0});

  const Run moved = run({1, kOdd}, [](GraphMaker& g, ValueId x) {
    const ValueId clipped = g.node("Clip", 13, {x, g.constant({}, {2}, DType::f64)});
    return to_integer(g, g.node("Reshape", 13, {g.node("Floor", 13, {clipped}), g.ints({2, 1})}));
  });
  CHECK(moved.y.to_int64s() == std::vector<int64_t>{2, kOdd});
}

TEST_CASE("a quotient of such integers that is cut off is an integer's", "[onnx]") {
  const auto quotient = [](bool floors, double divisor) {
    return run({kOdd, -kOdd, 7, -7, -8},
               [&](GraphMaker& g, ValueId x) {
                 const ValueId q = g.node("Div", 14, {x, g.constant({}, {divisor}, DType::f64)});
                 return to_integer(g, floors ? g.node("Floor", 13, {q}) : q);
               })
        .y.to_int64s();
  };
  const int64_t half = kOdd / 2;
  CHECK(quotient(true, 2) == std::vector<int64_t>{half, -half - 1, 3, -4, -4});
  CHECK(quotient(false, 2) == std::vector<int64_t>{half, -half, 3, -3, -4});
  CHECK(quotient(true, -2) == std::vector<int64_t>{-half - 1, half, -4, 3, 4});
}

TEST_CASE("doubles that are no integers, or lead to none, become floats, and that is said", "[onnx]") {
  const Run halved = run({3, 5}, [](GraphMaker& g, ValueId x) {
    return to_integer(g, g.node("Mul", 14, {x, g.constant({}, {0.5}, DType::f64)}));
  });
  CHECK(halved.y.to_int64s() == std::vector<int64_t>{1, 2});
  CHECK(assumes_precision(halved.graph));

  const Run real = run({3, 5}, [](GraphMaker& g, ValueId x) { return g.node("Sqrt", 13, {x}); });
  CHECK(real.y.as_double(0) == Approx(std::sqrt(3)));
  CHECK(assumes_precision(real.graph));
}

TEST_CASE("who else reads such doubles gets them as reals", "[onnx]") {
  const Run both = run({kOdd, 4}, [](GraphMaker& g, ValueId x) {
    const ValueId shifted = g.node("Add", 14, {x, g.constant({}, {1}, DType::f64)});
    const ValueId whole = to_integer(g, shifted);
    const ValueId root = g.node("Sqrt", 13, {shifted});
    return g.node("Add", 14, {g.node("Cast", 13, {whole}, {{"to", kDouble}}), root});
  });
  CHECK(both.y.as_double(1) == Approx(5 + std::sqrt(5.0)));
  CHECK(assumes_precision(both.graph));
}

TEST_CASE("a backend in double computes a model in double as it is", "[onnx]") {
  GraphMaker g;
  const ValueId x = g.input("x", {2}, DType::f64);
  g.graph.outputs = {g.node("Sqrt", 13, {x})};
  const auto folder = make_reference_backend(true);
  const Graph graph = specialise(g.graph, {{{2}}, {}}, {}, OpRegistry::builtin(), *folder);
  CHECK(graph[graph.outputs[0]].dtype == DType::f64);
  CHECK_FALSE(assumes_precision(graph));
}
