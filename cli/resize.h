#pragma once

#include "cli/image.h"

namespace onnxray::cli {

/// Bilinear with half-pixel centres; downscaling widens the triangle filter so that nothing aliases.
/// Equals Pillow's BILINEAR within one level.
Image resized(const Image& image, int64_t height, int64_t width);

/// The shorter side becomes `side`; the longer one keeps the ratio, rounded down as torchvision does.
Image resized_shorter_side(const Image& image, int64_t side);

}  // namespace onnxray::cli
