#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/methods/conformance.h"

// iNNvestigate's own references: each analyzer on nets of one layer, explaining the largest output.

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;
using Numbers = std::vector<double>;

ValueId layer(GraphBuilder& g, ValueId x, const std::string& name, const Numbers& weights,
              const Numbers& bias) {
  if (name.starts_with("Dense")) {
    return g.node("Add", {g.node("MatMul", {x, g.constant({3, 5}, weights)}), g.constant({5}, bias)});
  }
  const ValueId nchw = g.node("Transpose", {x}, {{"perm", Ints{0, 3, 1, 2}}});
  ValueId y = nchw;
  if (name == "MaxPooling2D") y = g.max_pool(nchw);
  if (name == "AveragePooling2D") y = g.average_pool(nchw);
  if (name.starts_with("Conv2D")) {
    const ValueId hwio = g.constant({3, 3, 3, 5}, weights);
    y = g.conv(nchw, g.node("Transpose", {hwio}, {{"perm", Ints{3, 2, 0, 1}}}), g.constant({5}, bias), 0);
  }
  return g.node("Transpose", {y}, {{"perm", Ints{0, 2, 3, 1}}});
}

Graph net_of(const nlohmann::json& row) {
  GraphBuilder g;
  const std::string name = row["layer"];
  ValueId y =
      layer(g, g.input("x", {1, 10, 10, 3}), name, row["weights"].get<Numbers>(), row["bias"].get<Numbers>());
  if (name.ends_with("_relu")) y = g.relu(y);
  return g.build({g.flatten(y)});
}

TEST_CASE("every analyzer under the innvestigate convention is iNNvestigate's") {
  std::ifstream file(std::string(ONNXRAY_SOURCE_DIR) + "/tests/methods/golden/lrp_innvestigate.json");
  const nlohmann::json all = nlohmann::json::parse(file);
  for (const auto& row : all["cases"]) {
    INFO(row["reference"] << " on " << row["layer"]);
    const Graph graph = net_of(row);
    const Tensor x = Tensor::of<double>({1, 10, 10, 3}, row["input"].get<Numbers>());
    ExplainSpec spec;
    spec.methods = resolve_methods({row["method"].get<std::string>()}, {}, "innvestigate");
    spec.targets = {TargetSpec::Kind::argmax};
    const Results results = run(emit_explanation(graph, OpRegistry::builtin(), spec), {x});
    // float32 results against double
    CHECK(difference(results.at("attribution:0:0:0"), row["values"].get<Numbers>()) < 1e-5);
  }
}

}  // namespace
}  // namespace onnxray::test
