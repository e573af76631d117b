#include "methods/head.h"

#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

using Kind = Head::Kind;
using Axes = std::vector<int64_t>;

/// logits = -(-x), whose entries are the input's, and what `tail` makes of them.
template <class Tail>
Graph ending(const Shape& shape, Tail tail) {
  GraphBuilder g;
  const ValueId logits = g.node("Neg", {g.node("Neg", {g.input("x", shape)})}, {}, "logits");
  return g.build({tail(g, logits)});
}

/// The gradient of one entry of the first output: 1 where the logits that it comes of are, where the head
/// is left out.
std::vector<double> gradient_of(const Graph& graph, const Shape& shape, int64_t target) {
  return explain(graph, "gradient", hashed(shape, 3), target).to_doubles();
}

std::vector<double> one_at(int64_t count, int64_t place) {
  std::vector<double> values(static_cast<size_t>(count), 0.0);
  values[static_cast<size_t>(place)] = 1;
  return values;
}

Head head_of(Graph graph) { return separate_head(graph, graph.outputs[0]); }

TEST_CASE("a softmax, a sigmoid and a hard sigmoid at the end are left out, and said to be") {
  const auto check = [](const std::string& op, Kind kind, bool logarithm, const Axes& axes) {
    const Graph graph = ending({1, 3}, [&](GraphBuilder& g, ValueId x) { return g.node(op, {x}); });
    const Head head = head_of(graph);
    CHECK(head.kind == kind);
    CHECK(head.logarithm == logarithm);
    CHECK(head.axes == axes);
    CHECK(head.logits != graph.outputs[0]);
    const auto assumption = assumption_of(graph, head, 0);
    REQUIRE(assumption);
    CHECK(assumption->option == "keep_softmax");
    CHECK(assumption->is_obvious);
    CHECK(gradient_of(graph, {1, 3}, 1) == std::vector<double>{0, 1, 0});
  };
  check("Softmax", Kind::softmax, false, {1});
  check("LogSoftmax", Kind::softmax, true, {1});
  check("Sigmoid", Kind::sigmoid, false, {});
  check("HardSigmoid", Kind::sigmoid, false, {});
  const Graph none = ending({1, 3}, [](GraphBuilder& g, ValueId x) { return g.node("Exp", {x}); });
  CHECK(head_of(none).kind == Kind::none);
  CHECK_FALSE(assumption_of(none, head_of(none), 0));
}

TEST_CASE("a head is found however it is written") {
  const auto kind = [](auto tail) { return head_of(ending({1, 3}, tail)); };
  const Head softmax = kind([](GraphBuilder& g, ValueId x) {
    const ValueId shifted = g.node("Sub", {x, g.node("ReduceMax", {x}, {{"axes", Axes{1}}})});
    const ValueId e = g.node("Exp", {shifted});
    return g.node("Div", {e, g.node("ReduceSum", {e, g.ints({1})})});
  });
  CHECK(softmax.kind == Kind::softmax);
  const Head logarithm = kind([](GraphBuilder& g, ValueId x) {
    return g.node("Sub", {x, g.node("ReduceLogSumExp", {x}, {{"axes", Axes{1}}})});
  });
  CHECK(logarithm.kind == Kind::softmax);
  CHECK(logarithm.logarithm);
  const Head sigmoid = kind([](GraphBuilder& g, ValueId x) {
    const ValueId one = g.constant({}, {1});
    return g.node("Div", {one, g.node("Add", {one, g.node("Exp", {g.node("Neg", {x})})})});
  });
  CHECK(sigmoid.kind == Kind::sigmoid);
  const Head by_tanh = kind([](GraphBuilder& g, ValueId x) {
    const ValueId half = g.constant({}, {0.5});
    return g.node("Add", {g.node("Mul", {g.node("Tanh", {g.node("Mul", {x, half})}), half}), half});
  });
  CHECK(by_tanh.kind == Kind::sigmoid);
  const Head log_sigmoid =
      kind([](GraphBuilder& g, ValueId x) { return g.node("Log", {g.node("Sigmoid", {x})}); });
  CHECK(log_sigmoid.kind == Kind::sigmoid);
  CHECK(log_sigmoid.logarithm);
}

TEST_CASE("behind what moves entries, targets still count the output's") {
  // [1,2,3] -> softmax over the last axis -> [1,3,2]: the output's entry (2,1) is the logit (1,2).
  const auto transposed = [](GraphBuilder& g, ValueId x) {
    return g.node("Transpose", {g.softmax(x)}, {{"perm", Axes{0, 2, 1}}});
  };
  const Graph graph = ending({1, 2, 3}, transposed);
  CHECK(head_of(graph).axes == Axes{1});
  CHECK(gradient_of(graph, {1, 2, 3}, 5) == one_at(6, 5));
  CHECK(gradient_of(graph, {1, 2, 3}, 3) == one_at(6, 4));

  // Time first, [T,1,C] -> softmax -> [1,T,C], as recurrent nets end.
  const Graph time = ending({4, 1, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("Transpose", {g.softmax(x)}, {{"perm", Axes{1, 0, 2}}});
  });
  CHECK(head_of(time).kind == Kind::softmax);
  CHECK(head_of(time).axes == Axes{2});
  // Rows that nothing joins are samples: each is explained at its own entry.
  CHECK(gradient_of(time, {4, 1, 3}, 1) == std::vector<double>{0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0});

  const Graph reshaped = ending({1, 2, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("Reshape", {g.softmax(x), g.ints({1, 6})});
  });
  CHECK(head_of(reshaped).kind == Kind::softmax);
  CHECK(gradient_of(reshaped, {1, 2, 3}, 4) == one_at(6, 4));

  const Graph sliced = ending({1, 4}, [](GraphBuilder& g, ValueId x) {
    return g.node("Slice", {g.softmax(x), g.ints({1}), g.ints({3}), g.ints({1})});
  });
  CHECK(head_of(sliced).kind == Kind::softmax);
  CHECK(head_of(sliced).axes.empty());
  CHECK(gradient_of(sliced, {1, 4}, 1) == one_at(4, 2));
}

TEST_CASE("class scores beside boxes are explained at their logits, boxes as they are") {
  // [1,5]: two boxes, three class scores; boxes twice their logits.
  const Graph graph = ending({1, 5}, [](GraphBuilder& g, ValueId x) {
    const std::vector<ValueId> parts = g.split(x, 1, {2, 3});
    const ValueId boxes = g.node("Mul", {parts[0], g.constant({}, {2})});
    return g.node("Concat", {boxes, g.node("Sigmoid", {parts[1]})}, {{"axis", int64_t{1}}});
  });
  const Head head = head_of(graph);
  CHECK(head.kind == Kind::sigmoid);
  CHECK_FALSE(head.is_whole);
  CHECK_FALSE(assumption_of(graph, head, 0)->is_obvious);
  CHECK(gradient_of(graph, {1, 5}, 3) == one_at(5, 3));
  CHECK(gradient_of(graph, {1, 5}, 1) == std::vector<double>{0, 2, 0, 0, 0});
}

TEST_CASE("bounds that keep a probability from 0 and 1 do not hide its head; others do") {
  const auto clipped = [](double low, double high) {
    return head_of(
               ending({1, 3},
                      [&](GraphBuilder& g, ValueId x) {
                        return g.node("Clip", {g.softmax(x), g.constant({}, {low}), g.constant({}, {high})});
                      }))
        .kind;
  };
  CHECK(clipped(1e-7, 1 - 1e-7) == Kind::softmax);
  CHECK(clipped(0.1, 0.9) == Kind::none);
}

TEST_CASE("one minus a sigmoid beside it is the sigmoid of minus the logit") {
  const Graph graph = ending({1, 1}, [](GraphBuilder& g, ValueId x) {
    const ValueId p = g.node("Sigmoid", {x}), rest = g.node("Sub", {g.constant({}, {1}), p});
    return g.node("Concat", {rest, p}, {{"axis", int64_t{1}}});
  });
  CHECK(head_of(graph).is_whole);
  CHECK(gradient_of(graph, {1, 1}, 0) == std::vector<double>{-1});
  CHECK(gradient_of(graph, {1, 1}, 1) == std::vector<double>{1});
}

TEST_CASE("a quantised head is left out with its rounding") {
  const auto quantised = [](bool back) {
    return ending({1, 3}, [back](GraphBuilder& g, ValueId x) {
      const ValueId scale = g.constant({}, {1.0 / 256}), zero = g.constant(Tensor::of<uint8_t>({}, {0}));
      const ValueId q = g.node("QuantizeLinear", {g.softmax(x), scale, zero});
      return back ? g.node("DequantizeLinear", {q, scale, zero}) : q;
    });
  };
  for (const bool back : {true, false}) {
    const Graph graph = quantised(back);
    CHECK(head_of(graph).kind == Kind::softmax);
    CHECK(gradient_of(graph, {1, 3}, 2) == std::vector<double>{0, 0, 1});
  }
}

TEST_CASE("the best entry along the classes is the one of the largest logit") {
  const Graph best = ending({1, 2, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("ReduceMax", {g.softmax(x)}, {{"axes", Axes{2}}, {"keepdims", int64_t{0}}});
  });
  const Tensor given = Tensor::of<double>({1, 2, 3}, {1, 3, 2, 5, 4, 0});
  CHECK(explain(best, "gradient", given, 1).to_doubles() == one_at(6, 3));
  // Along another axis the largest probability need not be the largest logit.
  const Graph other = ending({1, 2, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("ReduceMax", {g.softmax(x)}, {{"axes", Axes{1}}, {"keepdims", int64_t{0}}});
  });
  CHECK(head_of(other).kind == Kind::none);
}

TEST_CASE("a dense softmax is pointed out with its axis") {
  const Graph graph = ending({1, 3, 2, 2}, [](GraphBuilder& g, ValueId x) {
    return g.node("Softmax", {x}, {{"axis", int64_t{1}}});
  });
  const auto assumption = assumption_of(graph, head_of(graph), 0);
  REQUIRE(assumption);
  CHECK_FALSE(assumption->is_obvious);
  CHECK(assumption->value == "softmax along axis 1 of [1,3,2,2], left out");
}

TEST_CASE("integers that are no rounded numbers cannot be explained") {
  Graph graph = ending({1, 3}, [](GraphBuilder& g, ValueId x) {
    return g.node("ArgMax", {x}, {{"axis", int64_t{1}}});
  });
  CHECK(says(error_of([&] { explained_head(graph, 0, false); }), ErrorCode::usage, "no derivative"));
}

TEST_CASE("a head is found behind a cast to another real type, not behind one to whole numbers") {
  const auto cast = [](std::vector<int64_t> types) {
    return ending({1, 3}, [&](GraphBuilder& g, ValueId x) {
      ValueId y = g.softmax(x);
      for (const int64_t type : types) y = g.node("Cast", {y}, {{"to", type}});
      return y;
    });
  };
  constexpr int64_t kFloat = 1, kInt64 = 7, kDouble = 11;
  CHECK(head_of(cast({kFloat})).kind == Kind::softmax);
  CHECK(head_of(cast({kFloat})).axes == Axes{1});
  CHECK(gradient_of(cast({kFloat}), {1, 3}, 1) == one_at(3, 1));
  CHECK(gradient_of(cast({kFloat, kDouble}), {1, 3}, 2) == one_at(3, 2));
  CHECK(head_of(cast({kInt64, kDouble})).kind == Kind::none);
}

}  // namespace
}  // namespace onnxray::test
