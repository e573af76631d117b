// A table of numbers.

#include "cli/csv.h"

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] {
    onnxray::cli::decode_csv({reinterpret_cast<const char*>(data), size}, "input.csv");
  });
}
