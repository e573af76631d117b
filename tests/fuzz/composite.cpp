// Rules by layer: JSON.

#include "rules/composite_json.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] {
    onnxray::composite_from_json({reinterpret_cast<const char*>(data), size}, "composite.json");
  });
}
