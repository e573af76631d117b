#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.h"
#include "tests/cli/run_command.h"

namespace onnxray::cli {
namespace {

const std::string kModel = ONNXRAY_SOURCE_DIR "/models/fashion_mnist_torch.onnx";

TEST_CASE("bench counts the work of the forward pass and of methods, and lists their steps") {
  using Json = nlohmann::json;
  const Outcome outcome = onnxray("bench " + kModel + " -m gradient --repeats 1 --profile --json");
  REQUIRE(outcome.exit_code == 0);
  const Json report = Json::parse(outcome.output);
  const Json &forward = report.at("forward"), &gradient = report.at("methods").at(0);
  CHECK(gradient.at("method") == "gradient");
  // A forward pass and an adjoint.
  CHECK(gradient.at("gflop").get<double>() == Approx(2 * forward.at("gflop").get<double>()).epsilon(0.1));
  CHECK(gradient.at("planned_bytes") > forward.at("planned_bytes"));
  CHECK(forward.at("model_bytes") > 0);
  CHECK(gradient.at("median_ms") > 0);
  CHECK(report.at("profile").size() > 5);
  double gflop = 0;
  for (const Json& step : report.at("profile")) gflop += step.at("gflop").get<double>();
  CHECK(gflop == Approx(gradient.at("gflop").get<double>()));  // one sample, no loop
}

TEST_CASE("bench explains every target that is asked for") {
  const auto gflop = [](const std::string& targets) {
    const Outcome outcome = onnxray("bench " + kModel + " -m gradient --repeats 1 --json" + targets);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(outcome.output).at("methods").at(0).at("gflop").get<double>();
  };
  // A forward pass and an adjoint each.
  CHECK(gflop(" --target 1 --target 2 --target 3") == Approx(2 * gflop(" --target 1")).epsilon(0.1));
}

TEST_CASE("bench takes turns that standard input names") {
  const Outcome outcome =
      onnxray("bench " + kModel + " --turns", "printf 'forward\\ngradient\\nforward\\n' |");
  CHECK(outcome.exit_code == 0);
  std::vector<std::string> methods;
  std::istringstream lines(outcome.output);
  for (std::string line; std::getline(lines, line);)
    methods.push_back(nlohmann::json::parse(line).at("method").get<std::string>());
  CHECK(methods == std::vector<std::string>{"forward", "gradient", "forward"});
}

}  // namespace
}  // namespace onnxray::cli
