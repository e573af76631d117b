#include "cli/image.h"

#include <algorithm>
#include <cassert>

#include "cli/jpeg_codec.h"
#include "cli/output_file.h"
#include "cli/png_codec.h"
#include "core/fail.h"
#include "core/read_file.h"

namespace onnxray::cli {

Image::Image(int64_t h, int64_t w, int64_t c, uint8_t value)
    : height(h), width(w), channels(c), pixels(static_cast<size_t>(h * w * c), value) {}

void check_size_of_picture(uint64_t height, uint64_t width, uint64_t bytes, const std::string& name) {
  constexpr uint64_t kBytesPerPixel = 4;
  const uint64_t most = most_unpacked_bytes(bytes) / kBytesPerPixel;
  require(height <= most && width <= most && height * width <= most, ErrorCode::bad_file,
          "'{}' says it has {} x {} pixels; pictures of more than {} are refused", name, height, width, most);
}

Image decode_image(std::span<const uint8_t> bytes, const std::string& name) {
  if (is_png(bytes)) return decode_png(bytes, name);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name);
  fail(ErrorCode::bad_file, "'{}' is neither a PNG nor a JPEG file", name);
}

Image read_image(const std::string& path) { return decode_image(read_file(path), path); }

void write_png(const std::string& path, const Image& image) { write_output(path, encode_png(image)); }

Image with_channels(const Image& image, int64_t channels) {
  if (image.channels == channels) return image;
  Image result(image.height, image.width, channels);
  const uint8_t* from = image.pixels.data();
  for (size_t i = 0; i < static_cast<size_t>(image.height * image.width); ++i) {
    if (channels == 3) {
      std::fill_n(result.pixels.data() + 3 * i, 3, from[i]);
      continue;
    }
    // 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point.
    const int luma = 19595 * from[3 * i] + 38470 * from[3 * i + 1] + 7471 * from[3 * i + 2];
    result.pixels[i] = static_cast<uint8_t>((luma + 0x8000) >> 16);
  }
  return result;
}

Image cropped(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  assert(top >= 0 && left >= 0 && top + height <= image.height && left + width <= image.width);
  Image result(height, width, image.channels);
  for (int64_t y = 0; y < height; ++y)
    std::copy_n(image.at(top + y, left), width * image.channels, result.at(y, 0));
  return result;
}

}  // namespace onnxray::cli
