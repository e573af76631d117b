#include "methods/wide.h"

#include "tests/catch.h"
#include "tests/support/nets.h"

namespace onnxray::test {
namespace {

/// Why the net for three times as many samples is not, sample by sample, the net; empty where it is.
template <class Make>
std::string why_not(const Make& make, int64_t samples = 2) {
  const Graph graph = make(samples), wide = make(3 * samples);
  std::vector<ValueId> values = graph.outputs;
  values.push_back(graph.inputs[0].value);
  return why_not_wide(graph, wide, 3, OpRegistry::builtin(), values);
}

Graph transformer(int64_t samples, bool over_samples) {
  GraphBuilder g;
  const ValueId x = g.node("Add", {g.input("x", {samples, 5, 8}), g.constant(hashed({5, 8}, 1))});
  const auto project = [&](int64_t seed) { return g.node("MatMul", {x, g.constant(hashed({8, 8}, seed))}); };
  ValueId q = project(2), k = project(3), v = project(4);
  if (over_samples) {
    for (ValueId* t : {&q, &k, &v}) *t = g.node("Transpose", {*t}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  }
  const ValueId keys = g.node("Transpose", {k}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  ValueId y = g.node("MatMul", {g.softmax(g.node("MatMul", {q, keys})), v});
  if (over_samples) y = g.node("Transpose", {y}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  return g.build({g.dense(g.flatten(y), g.constant(hashed({40, 3}, 5)), g.constant(hashed({3}, 6)))});
}

TEST_CASE("convolutional nets, dense nets and transformers compute each sample by itself") {
  for (const int64_t samples : {1, 2}) {
    CHECK(why_not([](int64_t n) { return conv_net({.batch = n}).graph; }, samples).empty());
    CHECK(why_not([](int64_t n) { return residual_net({.batch = n}).graph; }, samples).empty());
    CHECK(why_not([](int64_t n) { return branching_net({.batch = n}).graph; }, samples).empty());
    CHECK(why_not([](int64_t n) { return transformer(n, false); }, samples).empty());
  }
}

TEST_CASE("attention over the first axis, statistics of a batch and sequences that come first do not") {
  CHECK(why_not([](int64_t n) { return transformer(n, true); }).find("samples meet in matmul") == 0);
  const auto centred = [](int64_t n) {
    GraphBuilder g;
    const ValueId x = g.input("x", {n, 4});
    return g.build({g.node("Sub", {x, g.node("ReduceMean", {x}, {{"axes", std::vector<int64_t>{0}}})})});
  };
  CHECK(why_not(centred).find("samples meet in reduce") == 0);
  const auto recurrent = [](int64_t n) {
    GraphBuilder g;
    const ValueId x = g.input("x", {n, 2, 3});
    return g.build({g.node("LSTM", {x, g.constant(hashed({1, 16, 3}, 1)), g.constant(hashed({1, 16, 4}, 2))},
                           {{"hidden_size", int64_t{4}}})});
  };
  CHECK_FALSE(why_not(recurrent).empty());
}

TEST_CASE("a number that the size of the batch makes is found") {
  const auto scaled = [](int64_t n) {
    GraphBuilder g;
    return g.build({g.node("Mul", {g.input("x", {n, 4}), g.constant({}, {static_cast<double>(n) / 8})})});
  };
  CHECK(why_not(scaled).find("batch size") != std::string::npos);
  const auto told_apart = [](int64_t n) {
    GraphBuilder g;
    return g.build({g.node("Mul", {g.input("x", {n, 4}), g.constant(hashed({n, 1}, 3))})});
  };
  CHECK(why_not(told_apart).find("samples meet in elementwise") == 0);
}

TEST_CASE("what does not grow with the samples is not theirs") {
  const auto fixed = [](int64_t n) {
    GraphBuilder g;
    return g.build({g.node("Reshape", {g.input("x", {n, 4}), g.ints({1, -1})})});
  };
  CHECK(why_not(fixed).find("does not grow with the samples") != std::string::npos);
}

TEST_CASE("equal constants of both graphs are held once") {
  const Graph graph = residual_net({.batch = 1}).graph;
  Graph wide = residual_net({.batch = 3}).graph;
  share_constants(graph, wide);
  int64_t shared = 0;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const auto &a = graph.values[id].constant, &b = wide.values[id].constant;
    if (a && b && a->shape() == b->shape()) shared += a->bytes() == b->bytes() ? 1 : 0;
  }
  CHECK(shared >= 6);  // weights and biases of two convolutions and a dense layer
}

}  // namespace
}  // namespace onnxray::test
