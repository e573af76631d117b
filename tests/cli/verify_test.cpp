#include <cmath>
#include <fstream>

#include "tests/cli/work.h"

namespace onnxray::cli {
namespace {

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";
const std::string kRequest = kModels + "fashion_mnist_torch.onnx -i " + kModels +
                             "samples/fashion_ankle_boot.png -m gradient --target 3";

int verified(const Work& work, const Tensor& reference) {
  work.array("reference.npy", reference);
  return onnxray("verify " + kRequest + " --reference " + work / "reference.npy").exit_code;
}

Outcome suite(const Work& work, const std::string& text, const std::string& options = "") {
  std::ofstream(work / "suite.json") << text;
  return onnxray("verify " + work / "suite.json" + " " + options);
}

TEST_CASE("a map agrees with what has its shape and its NaN at the same places") {
  const Work work;
  REQUIRE(onnxray("explain " + kRequest + " -o " + work / "map.npy").exit_code == 0);
  const Tensor map = read_npy(work / "map.npy");
  CHECK(verified(work, map) == 0);
  CHECK(verified(work, map.reshaped({1, 28, 28})) == 3);
  for (const float odd : {NAN, INFINITY, -INFINITY}) {
    Tensor changed = read_npy(work / "map.npy");
    changed.mutable_data<float>()[5] = odd;
    CHECK(verified(work, changed) == 3);
  }
  CHECK(verified(work, Tensor(DType::f32, {0, 1, 28, 28})) == 2);
}

TEST_CASE("a suite without rows, with an unknown key or out of range is an error that names the place") {
  const Work work;
  for (const char* text : {"{}", "null", "[]", "[1]", "[{}]", ""}) {
    INFO(text);
    CHECK(suite(work, text).exit_code == 2);
  }
  const std::string row =
      R"("model": "m.onnx", "input": "x.npy", "method": "gradient", "reference": "r.npy")";
  CHECK(suite(work, "[{" + row + R"(, "tolerence": 1}])").output.find("did you mean tolerance") !=
        std::string::npos);
  CHECK(suite(work, "[{" + row + R"(, "tolerance": -1}])").output.find("[0].tolerance") != std::string::npos);
  CHECK(suite(work, "[{" + row + R"(, "options": {"target": )" + std::string(200000, '[') + "}}]")
            .output.find("deeper than 64") != std::string::npos);
}

TEST_CASE("an option that a suite would ignore is refused") {
  const Work work;
  for (const char* option : {"--target 1", "-m lrp_z", "--tol 1", "--keep-softmax"}) {
    INFO(option);
    const Outcome outcome = suite(work, "[]", option);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.find("rows of a suite have their own") != std::string::npos);
  }
}

}  // namespace
}  // namespace onnxray::cli
