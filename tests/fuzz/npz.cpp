// Several tensors as NumPy writes them: a zip archive.

#include "cli/npz.h"

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] { onnxray::cli::decode_npz({data, size}, "input.npz"); });
}
