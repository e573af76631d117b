#include "cli/image.h"

#include <zlib.h>

#include "cli/exif.h"
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

TEST_CASE("a camera's orientation is read in either byte order, and turned upright") {
  const auto block = [](bool big, uint8_t orientation) {
    const uint8_t v = orientation;
    std::vector<uint8_t> bytes{'E', 'x', 'i', 'f', 0, 0};
    const std::vector<uint8_t> tiff =
        big ? std::vector<uint8_t>{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, v, 0, 0}
            : std::vector<uint8_t>{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, v, 0, 0, 0};
    bytes.insert(bytes.end(), tiff.begin(), tiff.end());
    return bytes;
  };
  for (uint8_t o = 1; o <= 8; ++o) {
    CHECK(exif_orientation(block(true, o)) == o);
    CHECK(exif_orientation(block(false, o)) == o);
  }
  CHECK(exif_orientation(block(true, 9)) == 1);
  const std::vector<uint8_t> whole = block(false, 6);
  for (size_t n = 0; n < whole.size(); ++n) CHECK(exif_orientation(std::span(whole).first(n)) <= 6);
  // Stored 0 1 2 / 3 4 5; the corner where the upright picture's rows begin, and their direction, by number.
  Image stored(2, 3, 1);
  stored.pixels = {0, 1, 2, 3, 4, 5};
  const std::vector<std::vector<uint8_t>> expected{{0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0},
                                                   {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2},
                                                   {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (int o = 1; o <= 8; ++o) {
    const Image turned = upright(stored, o);
    CHECK(turned.height == (o < 5 ? 2 : 3));
    CHECK(turned.pixels == expected[static_cast<size_t>(o - 1)]);
  }
}

/// A chunk as PNG files hold it.
Bytes png_chunk(const std::string& type, const Bytes& data) {
  const auto big_endian = [](uint32_t v) {
    return Bytes{static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16), static_cast<uint8_t>(v >> 8),
                 static_cast<uint8_t>(v)};
  };
  Bytes named(type.begin(), type.end());
  named.insert(named.end(), data.begin(), data.end());
  Bytes chunk = big_endian(static_cast<uint32_t>(data.size()));
  chunk.insert(chunk.end(), named.begin(), named.end());
  const Bytes sum =
      big_endian(static_cast<uint32_t>(crc32(0, named.data(), static_cast<uInt>(named.size()))));
  chunk.insert(chunk.end(), sum.begin(), sum.end());
  return chunk;
}

TEST_CASE("a PNG of a turned camera is read upright, and says so, wherever its EXIF data stands") {
  constexpr size_t kBehindHeader = 8 + 25, kEndBytes = 12;
  const Image stored = wavy_image(3, 5, 3);
  const Bytes plain = encode_png(stored);
  CHECK(decode_image(plain, "plain.png").note.empty());
  const Bytes exif =
      png_chunk("eXIf", {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0});
  for (const size_t at : {kBehindHeader, plain.size() - kEndBytes}) {
    Bytes turned = plain;
    turned.insert(turned.begin() + static_cast<std::ptrdiff_t>(at), exif.begin(), exif.end());
    const Image read = decode_image(turned, "turned.png");
    CHECK(read.height == 5);
    CHECK(read.width == 3);
    CHECK(read.pixels == upright(stored, 6).pixels);
    CHECK(read.note.find("EXIF orientation 6") != std::string::npos);
  }
}

/// A gray JPEG of 8 rows and 16 columns, brighter to the right and downwards.
const Bytes kJpeg{0xff, 0xd8, 0xff, 0xdb, 0x0,  0x43, 0x0,  0x3,  0x2,  0x2,  0x3,  0x2,  0x2,  0x3,  0x3,
                  0x3,  0x3,  0x4,  0x3,  0x3,  0x4,  0x5,  0x8,  0x5,  0x5,  0x4,  0x4,  0x5,  0xa,  0x7,
                  0x7,  0x6,  0x8,  0xc,  0xa,  0xc,  0xc,  0xb,  0xa,  0xb,  0xb,  0xd,  0xe,  0x12, 0x10,
                  0xd,  0xe,  0x11, 0xe,  0xb,  0xb,  0x10, 0x16, 0x10, 0x11, 0x13, 0x14, 0x15, 0x15, 0x15,
                  0xc,  0xf,  0x17, 0x18, 0x16, 0x14, 0x18, 0x12, 0x14, 0x15, 0x14, 0xff, 0xc0, 0x0,  0xb,
                  0x8,  0x0,  0x8,  0x0,  0x10, 0x1,  0x1,  0x11, 0x0,  0xff, 0xc4, 0x0,  0x15, 0x0,  0x1,
                  0x1,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,
                  0x8,  0x9,  0xff, 0xc4, 0x0,  0x19, 0x10, 0x0,  0x1,  0x5,  0x0,  0x0,  0x0,  0x0,  0x0,
                  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x0,  0x6,  0x7,  0x22, 0x34, 0x51, 0xff,
                  0xda, 0x0,  0x8,  0x1,  0x1,  0x0,  0x0,  0x3f, 0x0,  0x1f, 0xb2, 0x49, 0xba, 0xf0, 0xc2,
                  0x80, 0x32, 0x49, 0xba, 0xf0, 0xc3, 0xff, 0xd9};

TEST_CASE("a JPEG of a turned camera is read upright, and says so") {
  const Image stored = decode_image(kJpeg, "ramp.jpg");
  REQUIRE(stored.height == 8);
  REQUIRE(stored.width == 16);
  CHECK(stored.note.empty());
  Bytes turned(kJpeg.begin(), kJpeg.begin() + 2);
  const std::vector<uint8_t> exif{0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1,
                                  0,    0x12, 1, 3,  0,   1,   0,   0,   0, 6, 0,   0,   0,  0, 0, 0, 0};
  turned.insert(turned.end(), exif.begin(), exif.end());
  turned.insert(turned.end(), kJpeg.begin() + 2, kJpeg.end());
  const Image read = decode_image(turned, "ramp.jpg");
  CHECK(read.height == 16);
  CHECK(read.width == 8);
  CHECK(read.pixels == upright(stored, 6).pixels);
  CHECK(read.note.find("EXIF orientation 6") != std::string::npos);
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
