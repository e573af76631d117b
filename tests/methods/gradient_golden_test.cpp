#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/methods/conformance.h"

namespace onnxray::test {
namespace {

TEST_CASE("the gradient family under the signxai convention is that of SIGN-XAI 1.x") {
  std::ifstream file(std::string(ONNXRAY_SOURCE_DIR) + "/tests/methods/golden/gradient_signxai_1x.json");
  const nlohmann::json all = nlohmann::json::parse(file);
  const Net d = model_d(), c = model_c();
  for (const auto& row : all["cases"]) {
    const std::string model = row["model"], method = row["method"];
    const int64_t target = row["target"];
    INFO(model << ", target " << target << ", " << method);
    const Net& net = model == "D" ? d : c;
    // The goldens are float32 results, our side is double: 1e-5 of the largest entry.
    CHECK(difference(explain(net.graph, method, net.x, target), row["values"].get<std::vector<double>>()) <
          1e-5);
  }
}

}  // namespace
}  // namespace onnxray::test
