#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace onnxray::cli {

/// 8-bit pixels, rows top to bottom, channels interleaved: 1 (gray) or 3 (RGB).
struct Image {
  int64_t height = 0, width = 0, channels = 3;
  std::vector<uint8_t> pixels;

  uint8_t& at(int64_t y, int64_t x, int64_t c) { return pixels[static_cast<size_t>((y * width + x) * channels + c)]; }
  uint8_t at(int64_t y, int64_t x, int64_t c) const { return pixels[static_cast<size_t>((y * width + x) * channels + c)]; }
};

Image blank_image(int64_t height, int64_t width, uint8_t gray = 255);

/// .png or .jpg by content. Transparency is laid over white. Throws Error(bad_file).
Image read_image(const std::filesystem::path& path);
void write_png(const std::filesystem::path& path, const Image& image);

/// Bilinear with half-pixel centres; when shrinking, a triangle filter over all covered pixels.
Image resize(const Image& image, int64_t height, int64_t width);
/// The middle part.
Image centre_crop(const Image& image, int64_t height, int64_t width);
/// 1 or 3 channels from either.
Image with_channels(const Image& image, int64_t channels);

}  // namespace onnxray::cli
