#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

/// The sign that the analysis finds for the value.
SignFact sign_of(GraphMaker& g, ValueId id) {
  Graph graph = g.finish({id});
  CHECK_FALSE(sign_analysis(graph, {}));
  return graph[id].sign;
}

}  // namespace

TEST_CASE("activations bound the sign of their results", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2, 4, 4});
  CHECK(sign_of(g, g.node("Relu", 14, {x})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Sigmoid", 13, {x})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Softmax", 13, {x})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Clip", 13, {x, g.scalar(0), g.scalar(6)})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Clip", 13, {x, g.scalar(-1), g.scalar(6)})) == SignFact::unknown);
  CHECK(sign_of(g, g.node("Clip", 6, {x}, {{"max", -1.0}})) == SignFact::non_positive);
  CHECK(sign_of(g, g.node("LogSoftmax", 13, {x})) == SignFact::non_positive);
  CHECK(sign_of(g, g.node("Mul", 14, {x, x})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Tanh", 13, {x})) == SignFact::unknown);
}

TEST_CASE("signs propagate through pooling, sums, products and movement", "[onnx][pass]") {
  GraphMaker g;
  const ValueId x = g.input("x", {1, 2, 4, 4}), r = g.node("Relu", 14, {x}), n = g.node("Neg", 13, {r});
  const Attributes window = {{"kernel_shape", std::vector<int64_t>{2, 2}}};
  CHECK(sign_of(g, g.node("MaxPool", 12, {r}, window)) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("AveragePool", 11, {n}, window)) == SignFact::non_positive);
  CHECK(sign_of(g, g.node("Concat", 13, {r, r}, {{"axis", int64_t{1}}})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Concat", 13, {r, n}, {{"axis", int64_t{1}}})) == SignFact::unknown);
  CHECK(sign_of(g, g.node("Add", 14, {r, r})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Add", 14, {r, x})) == SignFact::unknown);
  CHECK(sign_of(g, g.node("Sub", 14, {r, n})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Mul", 14, {r, n})) == SignFact::non_positive);
  CHECK(sign_of(g, g.node("Mul", 14, {r, g.constant({2, 1, 1}, {-1, 0})})) == SignFact::non_positive);
  CHECK(sign_of(g, g.node("Relu", 14, {n})) == SignFact::zero);
  CHECK(sign_of(g, g.node("Transpose", 13, {r})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Conv", 11, {r, g.constant({1, 2, 1, 1}, {1, 2})})) == SignFact::non_negative);
  CHECK(sign_of(g, g.node("Conv", 11, {r, g.constant({1, 2, 1, 1}, {1, -2})})) == SignFact::unknown);
  CHECK(sign_of(g, g.node("Pad", 13, {r, g.ints({0, 0, 1, 1, 0, 0, 1, 1}), g.scalar(-1)})) ==
        SignFact::unknown);
}
