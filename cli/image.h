#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/bytes.h"

namespace onnxray::cli {

/// 8-bit pixels, row by row, channels interleaved: 1 (gray) or 3 (RGB).
struct Image {
  int64_t height = 0, width = 0, channels = 3;
  std::vector<uint8_t> pixels;
  std::string note;  ///< what was done to it while it was read, for people

  Image() = default;
  /// All pixels `value`.
  Image(int64_t height, int64_t width, int64_t channels, uint8_t value = 0);

  bool empty() const { return pixels.empty(); }
  uint8_t* at(int64_t y, int64_t x) { return pixels.data() + (y * width + x) * channels; }
  const uint8_t* at(int64_t y, int64_t x) const { return pixels.data() + (y * width + x) * channels; }
  bool operator==(const Image&) const = default;
};

/// Throws Error(bad_file) where a file of `bytes` says that it holds more pixels than most_unpacked_bytes
/// allows; to be called before memory is taken.
void check_size_of_picture(uint64_t height, uint64_t width, uint64_t bytes, const std::string& name);

/// A PNG or JPEG file, told apart by its first bytes. Throws Error(bad_file).
Image read_image(const std::string& path);
void write_png(const std::string& path, const Image& image);

/// The same from memory; `name` stands for the file in messages.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name);

/// The image with 1 or 3 channels; gray is ITU-R 601 luma, rounded as Pillow does.
Image with_channels(const Image& image, int64_t channels);

/// The part of the image that starts at (top, left). It must lie within the image.
Image cropped(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width);

}  // namespace onnxray::cli
