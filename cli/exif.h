#pragma once

#include "cli/image.h"

namespace onnxray::cli {

/// How a camera was held, from an EXIF block ("Exif", then TIFF): 1 (upright) to 8, as EXIF 2.3 counts; 1
/// where the block does not say, or is broken.
int exif_orientation(std::span<const uint8_t> block);

/// The picture as it was meant to be seen.
Image upright(const Image& image, int orientation);

}  // namespace onnxray::cli
