#include <filesystem>

#include "cli/npy.h"
#include "tests/catch.h"
#include "tests/cli/run_command.h"
#include "tests/support/explain.h"

// What `explain`, `export` and `inspect` make of the same options.

namespace onnxray::cli {
namespace {

namespace fs = std::filesystem;

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";
const std::string kModel = kModels + "fashion_mnist_torch.onnx";
const std::string kBoot = kModels + "samples/fashion_ankle_boot.png";
const std::string kBoxRule = " -m lrp_z_plus:input_layer_rule=Bounded";

std::string printed(const std::string& arguments) {
  const Outcome outcome = onnxray(arguments);
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  return outcome.output;
}

TEST_CASE("an exported box rule is bounded by the declared preprocessing, as the explained one is") {
  const fs::path folder = fs::temp_directory_path() / "onnxray_exported_box";
  fs::create_directories(folder);
  const auto file = [&](const char* name) { return (folder / name).string(); };
  printed("explain " + kModel + " -i " + kBoot + kBoxRule + " -o " + file("explained.npy"));
  printed("export " + kModel + " -i " + kBoot + kBoxRule + " -o " + file("explained.onnx"));
  printed("run " + file("explained.onnx") + " -i " + kBoot + " --preprocess " + kModels +
          "fashion_mnist_torch.json --output attribution -o " + file("exported.npy"));
  constexpr double kFloat = 1e-5;  // the same arithmetic in float32, in other orders
  CHECK(test::difference(read_npy(file("exported.npy")), read_npy(file("explained.npy"))) < kFloat);
  fs::remove_all(folder);
}

TEST_CASE("inspect shows the program that explain runs: its target, its bounds") {
  const std::string inspect = "inspect " + kModel + kBoxRule + " --program";
  const std::string argmax = printed(inspect), third = printed(inspect + " --target 3");
  CHECK(argmax.find("arg_reduce") != std::string::npos);
  CHECK(third.find("arg_reduce") == std::string::npos);
}

}  // namespace
}  // namespace onnxray::cli
