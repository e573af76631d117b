#include "onnx/training_mode.h"

#include "onnx/specialise.h"
#include "tests/onnx/passes/pass_fixture.h"

using namespace onnxray;

namespace {

Graph specialised(const GraphMaker& g, const Shape& x) {
  const auto folder = make_reference_backend(true);
  return specialise(g.graph, {{x}, {}}, {}, OpRegistry::builtin(), *folder);
}

/// x -> BatchNormalization; `outputs` are named, the first is the graph's.
GraphMaker batch_normalisation(int64_t opset, Attributes attributes, size_t outputs, const Shape& shape) {
  GraphMaker g;
  const ValueId x = g.input("x", shape);
  std::vector<ValueId> in{x};
  for (const double v : {2.0, 3.0, 10.0, 4.0}) in.push_back(g.constant({2}, {v, v + 1}));
  const ValueId y = g.node("BatchNormalization", opset, in, std::move(attributes));
  while (g.graph.nodes.back().outputs.size() < outputs)
    g.graph.nodes.back().outputs.push_back(g.graph.add_value("unread"));
  g.graph.outputs = {y};
  return g;
}

bool assumes(const Graph& graph, const std::string& what) {
  return std::ranges::find(graph.assumptions, what, &Assumption::what) != graph.assumptions.end();
}

}  // namespace

TEST_CASE("a BatchNormalization in training mode takes the statistics of the batch, and that is said",
          "[onnx]") {
  const Shape shape{3, 2, 2};
  struct Case {
    int64_t opset;
    Attributes attributes;
    size_t outputs;
    bool trains;
  };
  const Case cases[] = {{15, {{"training_mode", int64_t{1}}}, 3, true},
                        {15, {{"training_mode", int64_t{1}}}, 1, true},
                        {15, {{"training_mode", int64_t{0}}}, 1, false},
                        {15, {}, 1, false},
                        {9, {}, 5, true},  // as exporters wrote it before the attribute
                        {9, {}, 1, false},
                        {6, {{"is_test", int64_t{0}}}, 5, true},
                        {6, {{"is_test", int64_t{1}}}, 1, false}};
  for (const Case& c : cases) {
    INFO("opset " << c.opset << ", " << c.outputs << " outputs");
    const Graph graph = specialised(batch_normalisation(c.opset, c.attributes, c.outputs, shape), shape);
    CHECK(ops_of(graph) == (c.trains ? "BatchNormalizationInTraining" : "BatchNormalization"));
    CHECK(assumes(graph, "statistics of BatchNormalization") == c.trains);
  }
}

TEST_CASE("a batch is standardised by itself, whatever statistics the file stores", "[onnx]") {
  const Shape shape{2, 2, 2};
  const Graph graph = specialised(
      batch_normalisation(15, {{"training_mode", int64_t{1}}, {"epsilon", 0.0}}, 3, shape), shape);
  // Per channel: 1, 3, 5, 7 and 2, 2, 4, 4: mean 4 and 3, deviation sqrt 5 and 1. Scale 2 and 3, shift 3
  // and 4.
  const Tensor y = run_graph(graph, {Tensor::of<float>(shape, {1, 3, 2, 2, 5, 7, 4, 4})})[0];
  const double s = 2 / std::sqrt(5.0);
  const std::vector<double> expected{3 - 3 * s, 3 - s, 1, 1, 3 + s, 3 + 3 * s, 7, 7};
  for (int64_t i = 0; i < 8; ++i)
    CHECK(y.as_double(i) == Approx(expected[static_cast<size_t>(i)]).epsilon(1e-12));
}

TEST_CASE("Dropout in training mode drops nothing, and that is said", "[onnx]") {
  const auto dropout = [](bool training) {
    GraphMaker g;
    const ValueId x = g.input("x", {4});
    const ValueId mode = g.graph.add_constant("mode", Tensor::scalar(training));
    g.graph.outputs = {g.node("Relu", 14, {g.node("Dropout", 13, {x, g.scalar(0.5), mode})})};
    return specialised(g, {4});
  };
  for (const bool training : {true, false}) {
    CHECK(ops_of(dropout(training)) == "Relu");
    CHECK(assumes(dropout(training), "Dropout") == training);
  }
}
