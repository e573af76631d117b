// A PNG or JPEG picture, with its EXIF data.

#include "cli/image.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return onnxray::test::only_errors([&] { onnxray::cli::decode_image({data, size}, "picture"); });
}
