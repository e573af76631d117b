#include "tests/methods/conformance.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/catch.h"

// What SIGN-XAI 1.x and Zennit compute on models D and C, and the conformance cases that give numbers.

namespace onnxray::test {
namespace {

// The goldens are float32 results, our side is double: 1e-5 of the largest entry.
constexpr double kGolden = 1e-5;

nlohmann::json golden(const std::string& name) {
  std::ifstream file(std::string(ONNXRAY_SOURCE_DIR) + "/tests/methods/golden/" + name);
  return nlohmann::json::parse(file);
}

void check_goldens(const std::string& file) {
  const nlohmann::json all = golden(file);
  const Net d = model_d(), c = model_c();
  for (const auto& row : all["cases"]) {
    const std::string model = row["model"], method = row["method"];
    const int64_t target = row["target"];
    INFO(model << ", target " << target << ", " << method);
    const Net& net = model == "D" ? d : c;
    CHECK(difference(explain_under(all["convention"], net.graph, method, net.x, target),
                     row["values"].get<std::vector<double>>()) < kGolden);
  }
}

TEST_CASE("the logits of model C are the published ones") {
  const Net c = model_c();
  CHECK(difference(explain_results(c.graph, "gradient", {c.x}, {}).at("logits"),
                   {-.466961, .554534, .211078}) < kGolden);
}

TEST_CASE("LRP under the signxai convention is that of SIGN-XAI 1.x") {
  check_goldens("lrp_signxai_1x.json");
}

TEST_CASE("LRP under the zennit convention is Zennit's") { check_goldens("lrp_zennit.json"); }

}  // namespace
}  // namespace onnxray::test
