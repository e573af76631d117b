#include "cli/image.h"

#include "cli/png_codec.h"
#include "cli/resize.h"
#include "core/error.h"
#include "tests/catch.h"

namespace onnxray::cli {
namespace {

Image wavy_image(int64_t height, int64_t width, int64_t channels) {
  Image image(height, width, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 37 % 251);
  return image;
}

TEST_CASE("gray and colour images survive the trip through PNG") {
  for (const int64_t channels : {1, 3}) {
    const Image image = wavy_image(5, 7, channels);
    CHECK(decode_image(encode_png(image), "test") == image);
  }
}

TEST_CASE("a PNG cut anywhere is refused") {
  const Bytes whole = encode_png(wavy_image(6, 6, 3));
  for (size_t n = 0; n + 13 < whole.size(); ++n)
    CHECK_THROWS_AS(decode_image(std::span(whole).first(n), "test"), Error);  // the last chunk holds nothing
}

TEST_CASE("what is neither PNG nor JPEG is refused") {
  const Bytes text{'h', 'e', 'l', 'l', 'o'};
  CHECK_THROWS_AS(decode_image(text, "test"), Error);
}

TEST_CASE("resizing keeps a constant image constant and its own size untouched") {
  const Image gray(8, 6, 1, 77);
  for (const auto& [height, width] : {std::pair{3, 5}, {16, 12}, {1, 1}})
    CHECK(resized(gray, height, width) == Image(height, width, 1, 77));
  const Image image = wavy_image(5, 4, 3);
  CHECK(resized(image, 5, 4) == image);
}

TEST_CASE("upscaling is bilinear between half-pixel centres") {
  Image two(1, 2, 1);
  two.pixels = {0, 100};
  CHECK(resized(two, 1, 4).pixels == std::vector<uint8_t>{0, 25, 75, 100});
}

}  // namespace
}  // namespace onnxray::cli
