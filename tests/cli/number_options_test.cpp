#include "tests/cli/work.h"

namespace onnxray::cli {
namespace {

const std::string kModel = ONNXRAY_SOURCE_DIR "/models/fashion_mnist_torch.onnx";

TEST_CASE("a number out of an option's range exits with 2 and says the range") {
  for (const char* arguments :
       {"inspect --threads -1", "inspect --threads 100000", "inspect --threads nan", "inspect --batch 0",
        "inspect --batch -1", "inspect --samples-at-once -1", "inspect --max-memory -1", "bench --repeats -1",
        "bench --repeats nan", "verify --tol nan", "verify --tol -1"}) {
    INFO(arguments);
    const Outcome outcome = onnxray(std::string(arguments) + " " + kModel);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.find("number from") != std::string::npos);
  }
}

}  // namespace
}  // namespace onnxray::cli
