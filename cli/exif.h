#pragma once

#include "cli/image.h"

namespace onnxray::cli {

/// How a camera was held, from an EXIF block (TIFF, as PNG holds it; in JPEG with "Exif" in front): 1
/// (upright) to 8, as EXIF 2.3 counts; 1 where the block does not say, or is broken.
int exif_orientation(std::span<const uint8_t> block);

Image upright(const Image& image, int orientation);

/// The picture as it was meant to be seen, with a note where it was turned. `name` is for the note.
Image as_seen(Image image, int orientation, const std::string& name);

}  // namespace onnxray::cli
