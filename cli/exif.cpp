#include "cli/exif.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace onnxray::cli {

namespace {

/// Numbers of a TIFF block in its own byte order; 0 behind its end.
struct Tiff {
  std::span<const uint8_t> bytes;
  bool big_endian = false;

  uint32_t byte(size_t at) const { return at < bytes.size() ? bytes[at] : 0; }
  uint32_t u16(size_t at) const {
    return big_endian ? byte(at) << 8 | byte(at + 1) : byte(at + 1) << 8 | byte(at);
  }
  uint32_t u32(size_t at) const {
    return big_endian ? u16(at) << 16 | u16(at + 2) : u16(at + 2) << 16 | u16(at);
  }
};

}  // namespace

int exif_orientation(std::span<const uint8_t> block) {
  constexpr std::array<uint8_t, 6> kMark{'E', 'x', 'i', 'f', 0, 0};
  constexpr uint32_t kOrientation = 0x0112, kShort = 3;
  constexpr size_t kEntryBytes = 12;
  const bool is_marked =
      block.size() >= kMark.size() && std::equal(kMark.begin(), kMark.end(), block.begin());
  Tiff tiff{is_marked ? block.subspan(kMark.size()) : block};
  tiff.big_endian = tiff.byte(0) == 'M';
  if (tiff.u16(2) != 42) return 1;
  const size_t directory = tiff.u32(4), entries = tiff.u16(directory);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntryBytes;
    if (tiff.u16(at) != kOrientation || tiff.u16(at + 2) != kShort) continue;
    const auto orientation = static_cast<int>(tiff.u16(at + 8));
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

Image upright(const Image& image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  const int64_t h = image.height, w = image.width;
  Image result(swaps ? w : h, swaps ? h : w, image.channels);
  for (int64_t y = 0; y < result.height; ++y) {
    for (int64_t x = 0; x < result.width; ++x) {
      // Where the pixel (y, x) of the upright picture is stored.
      const int64_t row = swaps ? x : y, column = swaps ? y : x;
      const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      const uint8_t* from = image.at(from_bottom ? h - 1 - row : row, from_right ? w - 1 - column : column);
      std::copy_n(from, image.channels, result.at(y, x));
    }
  }
  return result;
}

Image as_seen(Image image, int orientation, const std::string& name) {
  if (orientation == 1) return image;
  Image turned = upright(image, orientation);
  turned.note = fmt::format("'{}' was turned upright, as its EXIF orientation {} says", name, orientation);
  return turned;
}

}  // namespace onnxray::cli
