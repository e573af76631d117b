// What is done with an input before the model sees it: JSON.

#include "cli/preprocess.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] {
    onnxray::cli::parse_preprocess({reinterpret_cast<const char*>(data), size}, "MODEL.json");
  });
}
