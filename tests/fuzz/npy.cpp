// A tensor as NumPy writes it.

#include "cli/npy.h"

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] { onnxray::cli::decode_npy({data, size}, "input.npy"); });
}
